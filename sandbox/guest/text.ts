/** JSON text into values, and the size of text as the limits count it. */
interface Text {
  /** UTF-8 bytes. */
  utf8Length(text: string): number;
  /** A `__proto__` key would become a prototype in the first spread or assignment that copies it: it is dropped. */
  decode(text: string): unknown;
}

(): Text => {
  const { parse } = JSON;
  const { keys } = Object;
  const { apply } = Reflect;
  const charCodeAt = String.prototype.charCodeAt;
  const includes = String.prototype.includes;

  const clean = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    delete (value as Record<string, unknown>)["__proto__"];
    const names = keys(value);
    for (let i = 0; i < names.length; i++) clean((value as Record<string, unknown>)[names[i] as string]);
  };

  return {
    utf8Length(text) {
      let bytes = text.length;
      for (let i = 0; i < text.length; i++) {
        const unit: number = apply(charCodeAt, text, [i]);
        if (unit < 0x80) continue;
        // Each half of a surrogate pair stands for two of four bytes.
        bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
      }
      return bytes;
    },
    decode(text) {
      const value: unknown = parse(text);
      // The key can also be written with escapes.
      if (apply(includes, text, ["__proto__"]) || apply(includes, text, ["\\u00"])) clean(value);
      return value;
    },
  };
};

export {};
