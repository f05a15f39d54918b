/**
 * Values of a program to JSON text: JSON.stringify's semantics, except that what JSON would silently drop or empty
 * (functions, symbols, Maps, promises …) is a fault that names its path. The value is read once, while the text is
 * written, so no getter can show one thing to the check and another to the text.
 */
type Encoded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: string };

() => {
  const MAX_DEPTH = 200;
  const { stringify } = JSON;
  const { keys, create } = Object;
  const { isArray } = Array;
  const { apply } = Reflect;
  const prototypeOf = (of: object): object => Reflect.getPrototypeOf(of) ?? of;
  const { isFinite } = Number;
  const functionText = (() => undefined).toString;
  const startsWith = String.prototype.startsWith;
  const charCodeAt = String.prototype.charCodeAt;
  // Records, not pairs: taking a pair apart would ask the program's array iterator.
  const boxes: readonly { readonly prototype: object; readonly valueOf: () => unknown }[] = [
    { prototype: Number.prototype, valueOf: Number.prototype.valueOf },
    { prototype: String.prototype, valueOf: String.prototype.valueOf },
    { prototype: Boolean.prototype, valueOf: Boolean.prototype.valueOf },
  ];
  const GeneratorPrototype = prototypeOf(
    prototypeOf(
      (function* () {
        yield;
      })(),
    ),
  );
  const AsyncGeneratorPrototype = prototypeOf(
    prototypeOf(
      (async function* () {
        yield;
      })(),
    ),
  );
  const isPrototypeOf = Object.prototype.isPrototypeOf;
  const exotic: readonly { readonly prototype: object; readonly name: string }[] = [
    { prototype: Map.prototype, name: "a Map (use Object.fromEntries(map))" },
    { prototype: Set.prototype, name: "a Set (use [...set])" },
    { prototype: WeakMap.prototype, name: "a WeakMap" },
    { prototype: WeakSet.prototype, name: "a WeakSet" },
    { prototype: Promise.prototype, name: "a Promise (await it)" },
    { prototype: GeneratorPrototype, name: "a generator (use [...generator])" },
    { prototype: AsyncGeneratorPrototype, name: "an async generator" },
  ];

  /** Thrown inside only; a guest's exception while its value is read is told apart from it. */
  class Fault {
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
  }

  return (value: unknown, root: string): Encoded => {
    // Without a prototype: assigning to an element of an array would find the program's setters.
    const ancestors: Record<number, unknown> = create(null);
    let depth = 0;

    function write(raw: unknown, key: string, path: () => string): string | undefined {
      let item = raw;
      if (typeof item === "object" && item !== null) {
        const { toJSON } = item as { toJSON?: unknown };
        if (typeof toJSON === "function") item = apply(toJSON as () => unknown, item, [key]);
      }
      switch (typeof item) {
        case "undefined":
          return undefined;
        case "string":
          return stringify(item);
        case "boolean":
          return item ? "true" : "false";
        case "number":
          return isFinite(item) ? `${item === 0 ? 0 : item}` : "null";
        case "bigint":
          throw new Fault(`${path()} is a BigInt (use Number(x) or String(x))`);
        case "symbol":
          throw new Fault(`${path()} is a symbol`);
        case "function": {
          const isClass = apply(startsWith, apply(functionText, item, []), ["class"]);
          throw new Fault(`${path()} is a ${isClass ? "class" : "function"}`);
        }
        default:
          return item === null ? "null" : writeObject(item as object, path);
      }
    }

    function writeObject(item: object, path: () => string): string {
      // Not instanceof: it asks the program's Symbol.hasInstance.
      for (let i = 0; i < boxes.length; i++) {
        const { prototype, valueOf } = boxes[i] as (typeof boxes)[number];
        if (apply(isPrototypeOf, prototype, [item])) return stringify(apply(valueOf, item, [])) as string;
      }
      for (let i = 0; i < exotic.length; i++) {
        const { prototype, name } = exotic[i] as (typeof exotic)[number];
        if (apply(isPrototypeOf, prototype, [item])) throw new Fault(`${path()} is ${name}`);
      }
      if (depth >= MAX_DEPTH) throw new Fault(`${path()} is nested more than ${MAX_DEPTH} levels deep`);
      for (let i = 0; i < depth; i++) if (ancestors[i] === item) throw new Fault(`${path()} is a cycle`);
      ancestors[depth] = item;
      depth += 1;
      const text = isArray(item) ? writeArray(item, path) : writeRecord(item, path);
      depth -= 1;
      return text;
    }

    function writeArray(items: readonly unknown[], path: () => string): string {
      let text = "[";
      for (let i = 0; i < items.length; i++) {
        if (i > 0) text += ",";
        text += write(items[i], `${i}`, () => `${path()}[${i}]`) ?? "null";
      }
      return `${text}]`;
    }

    function writeRecord(record: object, path: () => string): string {
      const names = keys(record);
      let text = "";
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        const member = write((record as Record<string, unknown>)[name], name, () =>
          isIdentifier(name) ? `${path()}.${name}` : `${path()}[${stringify(name)}]`,
        );
        if (member === undefined) continue;
        text += `${text === "" ? "" : ","}${stringify(name)}:${member}`;
      }
      return `{${text}}`;
    }

    try {
      return { ok: true, text: write(value, "", () => root) ?? "null" };
    } catch (thrown) {
      if (thrown instanceof Fault) return { ok: false, fault: thrown.text };
      return { ok: false, fault: `${root} could not be read: ${describe(thrown)}` };
    }
  };

  /** By hand: a regular expression would leave its match in RegExp.lastMatch, and ask the program's exec. */
  function isIdentifier(name: string): boolean {
    for (let i = 0; i < name.length; i++) {
      const code: number = apply(charCodeAt, name, [i]);
      const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 36;
      if (!letter && (i === 0 || code < 48 || code > 57)) return false;
    }
    return name !== "";
  }

  function describe(thrown: unknown): string {
    try {
      return `${(thrown as { message?: unknown }).message ?? thrown}`;
    } catch {
      return "reading it threw";
    }
  }
};

export {};
