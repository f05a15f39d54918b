/**
 * The only time and the only randomness of a program; both follow from its journal. The clock stands at the moment of
 * the last entry, and each reading adds a microsecond so that polling loops end. `Math.random` and `crypto` are seeded
 * by the run.
 */
interface Clock {
  start(seed: string, at: number): void;
  advance(at: number): void;
  /** Milliseconds, with fractions. */
  now(): number;
  readonly globals: Record<string, unknown>;
}

(): Clock => {
  const { construct, apply, defineProperty, getPrototypeOf } = Reflect;
  const { imul, floor, round } = Math;
  const { charCodeAt, indexOf } = String.prototype;
  const RealDate = Date;
  const realToString = RealDate.prototype.toString;
  let now = 0;
  let startedAt = 0;
  let seed = "";
  let sown = true;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;

  const read = (): number => {
    now += 0.001;
    return floor(now);
  };

  /** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, passes its author's tests; not for secrets. */
  const next = (): number => {
    if (!sown) sow();
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };

  /** Seeded at the first use: most programs use no randomness. */
  const sow = (): void => {
    sown = true;
    a = 0x9e3779b9;
    b = 0x243f6a88;
    c = 0xb7e15162;
    d = 1;
    for (let i = 0; i < seed.length; i++) {
      const code: number = apply(charCodeAt, seed, [i]);
      a = imul(a ^ code, 0x85ebca6b);
      b = imul(b ^ code, 0xc2b2ae35) + a;
      c = imul(c ^ code, 0x27d4eb2f) ^ b;
    }
    for (let i = 0; i < 12; i++) next();
  };

  function PatchedDate(this: unknown, ...parts: unknown[]): unknown {
    if (new.target === undefined) return apply(realToString, construct(RealDate, [read()]), []);
    return construct(RealDate, parts.length === 0 ? [read()] : parts, new.target);
  }
  const hidden = { writable: true, enumerable: false, configurable: true };
  defineProperty(PatchedDate, "name", { value: "Date", configurable: true });
  defineProperty(PatchedDate, "length", { value: 7, configurable: true });
  defineProperty(PatchedDate, "prototype", { value: RealDate.prototype, writable: false });
  defineProperty(PatchedDate, "now", { ...hidden, value: () => read() });
  defineProperty(PatchedDate, "parse", { ...hidden, value: RealDate.parse });
  defineProperty(PatchedDate, "UTC", { ...hidden, value: RealDate.UTC });
  defineProperty(RealDate.prototype, "constructor", { ...hidden, value: PatchedDate });
  defineProperty(globalThis, "Date", { ...hidden, value: PatchedDate });

  // Without an argument these two read the real clock.
  const formats = Intl.DateTimeFormat.prototype;
  const realFormat = Object.getOwnPropertyDescriptor(formats, "format")?.get;
  const realFormatToParts = formats.formatToParts;
  if (realFormat === undefined) throw new Error("Intl.DateTimeFormat has no format getter");
  defineProperty(formats, "format", {
    configurable: true,
    enumerable: false,
    get(this: Intl.DateTimeFormat) {
      const format = apply(realFormat, this, []) as (date: unknown) => string;
      return (date?: unknown) => format(date === undefined ? read() : date);
    },
  });
  defineProperty(formats, "formatToParts", {
    ...hidden,
    value(this: Intl.DateTimeFormat, date?: Date) {
      return apply(realFormatToParts, this, [date === undefined ? read() : date]);
    },
  });

  defineProperty(Math, "random", { ...hidden, value: () => next() / 4_294_967_296 });

  const hex = "0123456789abcdef";
  const randomUUID = (): string => {
    let text = "";
    for (let i = 0; i < 32; i++) {
      if (i === 8 || i === 12 || i === 16 || i === 20) text += "-";
      const nibble = next() >>> 28;
      text += hex[i === 12 ? 4 : i === 16 ? 8 | (nibble & 3) : nibble];
    }
    return text;
  };
  const byteLength = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), "byteLength")
    ?.get as () => number;
  const tagOf = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
    ?.get as () => string | undefined;
  const views = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), "buffer")
    ?.get as () => ArrayBuffer;
  const offsets = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), "byteOffset")
    ?.get as () => number;
  const Bytes = Uint8Array;
  const GuestTypeError = TypeError;
  const GuestError = Error;
  /** Not for secrets: the run's id determines the numbers. */
  const getRandomValues = (array: unknown): unknown => {
    const tag: string | undefined =
      typeof array === "object" && array !== null ? apply(tagOf, array, []) : undefined;
    if (tag === undefined || apply(indexOf, tag, ["Float"]) === 0)
      throw new GuestTypeError("crypto.getRandomValues needs a typed array of integers");
    const length: number = apply(byteLength, array, []);
    if (length > 65_536) {
      const error = new GuestError("crypto.getRandomValues fills 65536 bytes at most: call it several times");
      defineProperty(error, "name", { ...hidden, value: "QuotaExceededError" });
      throw error;
    }
    const bytes = new Bytes(apply(views, array, []), apply(offsets, array, []), length);
    for (let i = 0; i < length; i++) bytes[i] = next() >>> 24;
    return array;
  };
  const crypto = Object.freeze({
    randomUUID: Object.freeze(randomUUID),
    getRandomValues: Object.freeze(getRandomValues),
  });
  /** In microseconds, the amount that one reading adds. */
  const sinceStart = (): number => {
    now += 0.001;
    return round((now - startedAt) * 1_000) / 1_000;
  };
  const performance = {
    now: Object.freeze(sinceStart),
    get timeOrigin(): number {
      return startedAt;
    },
  };

  return {
    globals: { crypto, performance: Object.freeze(performance) },
    now: sinceStart,
    start(seedOfRun, at) {
      now = at;
      startedAt = at;
      seed = seedOfRun;
      sown = false;
    },
    advance(at) {
      if (at > now) now = at;
    },
  };
};

export {};
