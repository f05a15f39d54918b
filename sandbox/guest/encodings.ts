/** `TextEncoder` and `TextDecoder` for UTF-8, as browsers have them. */
interface Encodings {
  readonly globals: Record<string, unknown>;
}

(): Encodings => {
  const { apply, getPrototypeOf, getOwnPropertyDescriptor } = Reflect;
  const { freeze } = Object;
  const { charCodeAt, slice, toLowerCase, trim } = String.prototype;
  const { fromCharCode } = String;
  const { isView } = ArrayBuffer;
  const toText = String;
  const GuestBytes = Uint8Array;
  const GuestTypeError = TypeError;
  const GuestRangeError = RangeError;
  const REPLACEMENT = "\uFFFD";
  const { subarray } = Uint8Array.prototype;
  const viewGetters = (prototype: object): Record<"buffer" | "byteOffset" | "byteLength", () => unknown> => {
    const get = (name: string): (() => unknown) =>
      getOwnPropertyDescriptor(prototype, name)?.get as () => unknown;
    return { buffer: get("buffer"), byteOffset: get("byteOffset"), byteLength: get("byteLength") };
  };
  const ofArrays = viewGetters(getPrototypeOf(Uint8Array.prototype) as object);
  const ofViews = viewGetters(DataView.prototype);
  const bufferLength = getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get as () => number;
  const tagOf = getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag)
    ?.get as () => unknown;

  const codeAt = (text: string, at: number): number => apply(charCodeAt, text, [at]);

  /** Visits one code point at a time; half a pair becomes the replacement character. */
  const eachPoint = (text: string, visit: (point: number, units: number) => boolean): void => {
    for (let i = 0; i < text.length; ) {
      const unit = codeAt(text, i);
      const next = i + 1 < text.length ? codeAt(text, i + 1) : 0;
      const isPair = unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000;
      const isHalf = !isPair && unit >= 0xd800 && unit < 0xe000;
      const point = isPair ? 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00) : isHalf ? 0xfffd : unit;
      const units = isPair ? 2 : 1;
      if (!visit(point, units)) return;
      i += units;
    }
  };
  const sizeOf = (point: number): number => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
  const put = (bytes: Uint8Array, at: number, point: number): void => {
    const size = sizeOf(point);
    if (size === 1) {
      bytes[at] = point;
      return;
    }
    for (let k = size - 1, rest = point; k > 0; k--, rest >>= 6) bytes[at + k] = 0x80 | (rest & 63);
    bytes[at] = ((0xf00 >> size) & 0xff) | (point >> (6 * (size - 1)));
  };

  class TextEncoder {
    get encoding(): string {
      return "utf-8";
    }
    encode(given: unknown = ""): Uint8Array {
      const text = toText(given);
      let length = 0;
      eachPoint(text, (point) => {
        length += sizeOf(point);
        return true;
      });
      const bytes = new GuestBytes(length);
      let at = 0;
      eachPoint(text, (point) => {
        put(bytes, at, point);
        at += sizeOf(point);
        return true;
      });
      return bytes;
    }
    encodeInto(given: unknown, bytes: Uint8Array): { read: number; written: number } {
      if (!isView(bytes)) throw new GuestTypeError("encodeInto needs a Uint8Array");
      const room: number = apply(ofArrays.byteLength as () => number, bytes, []);
      let read = 0;
      let written = 0;
      eachPoint(toText(given), (point, units) => {
        if (written + sizeOf(point) > room) return false;
        put(bytes, written, point);
        written += sizeOf(point);
        read += units;
        return true;
      });
      return { read, written };
    }
  }

  const bytesOf = (given: unknown): Uint8Array => {
    if (given === undefined) return new GuestBytes(0);
    if (isView(given)) {
      const getters = apply(tagOf, given, []) === undefined ? ofViews : ofArrays;
      const read = (name: keyof typeof getters): unknown => apply(getters[name], given, []);
      return new GuestBytes(
        read("buffer") as ArrayBuffer,
        read("byteOffset") as number,
        read("byteLength") as number,
      );
    }
    try {
      apply(bufferLength, given, []);
    } catch {
      throw new GuestTypeError("decode needs an ArrayBuffer, a typed array or a DataView");
    }
    return new GuestBytes(given as ArrayBuffer);
  };

  /** Length of the sequence that a byte begins, and the range of its second byte; 0 for a byte that begins none. */
  const sequence = (first: number): { size: number; low: number; high: number } => {
    if (first < 0x80) return { size: 1, low: 0x80, high: 0xbf };
    if (first >= 0xc2 && first <= 0xdf) return { size: 2, low: 0x80, high: 0xbf };
    if (first >= 0xe0 && first <= 0xef)
      return { size: 3, low: first === 0xe0 ? 0xa0 : 0x80, high: first === 0xed ? 0x9f : 0xbf };
    if (first >= 0xf0 && first <= 0xf4)
      return { size: 4, low: first === 0xf0 ? 0x90 : 0x80, high: first === 0xf4 ? 0x8f : 0xbf };
    return { size: 0, low: 0, high: 0 };
  };

  class TextDecoder {
    readonly #fatal: boolean;
    readonly #ignoreBOM: boolean;
    #rest: Uint8Array = new GuestBytes(0);
    #atStart = true;
    constructor(label: unknown = "utf-8", options: { fatal?: unknown; ignoreBOM?: unknown } = {}) {
      const name: string = apply(toLowerCase, apply(trim, toText(label), []), []);
      if (name !== "utf-8" && name !== "utf8" && name !== "unicode-1-1-utf-8")
        throw new GuestRangeError(`TextDecoder knows utf-8 here, and not ${name}`);
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }
    get encoding(): string {
      return "utf-8";
    }
    get fatal(): boolean {
      return this.#fatal;
    }
    get ignoreBOM(): boolean {
      return this.#ignoreBOM;
    }
    decode(given?: unknown, options: { stream?: unknown } = {}): string {
      const isPart = !!options?.stream;
      const bytes = this.#withRest(bytesOf(given));
      const { length } = bytes;
      let text = "";
      let at = 0;
      while (at < length) {
        const first = bytes[at] as number;
        const { size, low, high } = sequence(first);
        let point = size < 2 ? first : first & (0x7f >> size);
        let used = 1;
        for (; used < size && at + used < length; used++) {
          const next = bytes[at + used] as number;
          const isIn = used === 1 ? next >= low && next <= high : next >= 0x80 && next <= 0xbf;
          if (!isIn) break;
          point = (point << 6) | (next & 63);
        }
        if (used < size && at + used === length && isPart) break;
        at += used;
        if (size > 0 && used === size) text += charOf(point);
        else if (this.#fatal) {
          this.#reset();
          throw new GuestTypeError("The bytes are not valid UTF-8.");
        } else text += REPLACEMENT;
      }
      if (isPart) this.#rest = new GuestBytes(apply(subarray, bytes, [at]) as Uint8Array);
      const begins = this.#atStart && text !== "";
      if (isPart) this.#atStart &&= text === "";
      else this.#reset();
      return begins && !this.#ignoreBOM && codeAt(text, 0) === 0xfeff ? apply(slice, text, [1]) : text;
    }
    #reset(): void {
      this.#rest = new GuestBytes(0);
      this.#atStart = true;
    }
    #withRest(bytes: Uint8Array): Uint8Array {
      const before = this.#rest;
      if (before.length === 0) return bytes;
      const all = new GuestBytes(before.length + bytes.length);
      for (let i = 0; i < before.length; i++) all[i] = before[i] as number;
      for (let i = 0; i < bytes.length; i++) all[before.length + i] = bytes[i] as number;
      return all;
    }
  }
  const charOf = (point: number): string =>
    point < 0x10000
      ? fromCharCode(point)
      : fromCharCode(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));

  freeze(TextEncoder.prototype);
  freeze(TextDecoder.prototype);
  return { globals: { TextEncoder: freeze(TextEncoder), TextDecoder: freeze(TextDecoder) } };
};

export {};
