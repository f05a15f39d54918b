/** Parses JSON text, and measures text as the limits count it. */
interface Text {
  /** UTF-8 bytes. */
  utf8Length(text: string): number;
  /**
   * Parses JSON. A `__proto__` key is dropped: the first spread or assignment that copies it would make it a prototype.
   */
  decode(text: string): unknown;
}

/** Without a prototype: the elements of an array could meet the program's setters. */
type Level = Record<number, unknown>;

(): Text => {
  const { parse } = JSON;
  const { keys, create } = Object;
  const { apply } = Reflect;
  const charCodeAt = String.prototype.charCodeAt;
  const includes = String.prototype.includes;

  /** Level by level, not by recursion: a tool's result may be nested deeper than the stack. */
  const clean = (value: unknown): void => {
    let level: Level = create(null);
    level[0] = value;
    let size = 1;
    while (size > 0) {
      const next: Level = create(null);
      let count = 0;
      for (let i = 0; i < size; i++) {
        const item = level[i];
        if (typeof item !== "object" || item === null) continue;
        delete (item as Record<string, unknown>)["__proto__"];
        const names = keys(item);
        for (let k = 0; k < names.length; k++)
          next[count++] = (item as Record<string, unknown>)[names[k] as string];
      }
      level = next;
      size = count;
    }
  };

  return {
    utf8Length(text) {
      let bytes = text.length;
      for (let i = 0; i < text.length; i++) {
        const unit: number = apply(charCodeAt, text, [i]);
        if (unit < 0x80) continue;
        // Each half of a surrogate pair stands for two of its four bytes.
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
