/** `btoa` and `atob` as browsers have them. */
interface Base64 {
  readonly globals: Record<string, unknown>;
}

(): Base64 => {
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const { apply, defineProperty } = Reflect;
  const { create, freeze } = Object;
  const { charCodeAt, slice } = String.prototype;
  const { fromCharCode } = String;
  const toText = String;
  const GuestError = Error;
  const GuestTypeError = TypeError;
  const values: Record<number, number> = create(null);
  for (let i = 0; i < 64; i++) values[ALPHABET.charCodeAt(i)] = i;

  const field = (on: object, name: string, value: unknown): void => {
    defineProperty(on, name, { __proto__: null, value, writable: true, configurable: true } as never);
  };
  /** Throws the platform's error, which programs know by its name. */
  const refuse = (message: string): never => {
    const error = new GuestError(message);
    field(error, "name", "InvalidCharacterError");
    field(error, "code", 5);
    throw error;
  };
  const codeAt = (text: string, at: number): number => apply(charCodeAt, text, [at]);
  const textOf = (given: unknown[], name: string): string => {
    if (given.length === 0) throw new GuestTypeError(`${name} needs a text`);
    return toText(given[0]);
  };
  const isBlank = (code: number): boolean => code === 32 || (code >= 9 && code <= 13 && code !== 11);

  const globals = {
    btoa: (...given: unknown[]): string => {
      const text = textOf(given, "btoa");
      let out = "";
      for (let i = 0; i < text.length; i += 3) {
        let bits = 0;
        for (let k = 0; k < 3; k++) {
          const code = i + k < text.length ? codeAt(text, i + k) : 0;
          if (code > 255)
            refuse(
              "btoa takes characters up to U+00FF only. For other text, take the bytes of new TextEncoder().encode(text).",
            );
          bits = (bits << 8) | code;
        }
        const left = text.length - i;
        out += `${ALPHABET[bits >> 18]}${ALPHABET[(bits >> 12) & 63]}`;
        out += left > 1 ? ALPHABET[(bits >> 6) & 63] : "=";
        out += left > 2 ? ALPHABET[bits & 63] : "=";
      }
      return out;
    },
    atob: (...given: unknown[]): string => {
      const text = textOf(given, "atob");
      let end = text.length;
      let clean = "";
      let from = 0;
      for (let i = 0; i <= end; i++)
        if (i === end || isBlank(codeAt(text, i))) {
          clean += apply(slice, text, [from, i]);
          from = i + 1;
        }
      end = clean.length;
      if (end % 4 === 0) for (let k = 0; k < 2 && end > 0 && codeAt(clean, end - 1) === 61; k++) end -= 1;
      if (end % 4 === 1) refuse("The text that atob was given is not base64: its length is wrong.");
      let out = "";
      let bits = 0;
      let count = 0;
      for (let i = 0; i < end; i++) {
        const value = values[codeAt(clean, i)];
        if (value === undefined)
          refuse(
            `The text that atob was given is not base64: it has a character that is none of it at ${i}. For base64url, replace "-" by "+" and "_" by "/" first.`,
          );
        bits = ((bits << 6) | (value as number)) & 0xffffff;
        count += 6;
        if (count >= 8) {
          count -= 8;
          out += fromCharCode((bits >> count) & 255);
        }
      }
      return out;
    },
  };
  for (const name of Object.keys(globals)) freeze(globals[name as keyof typeof globals]);
  return { globals };
};

export {};
