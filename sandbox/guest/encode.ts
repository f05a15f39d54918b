/**
 * Values of a program to JSON text, with JSON.stringify's semantics and two exceptions. What JSON would silently drop
 * or write as empty is written (errors, typed arrays, regular expressions, namespaces), or is a fault that names its
 * path (functions, symbols, Maps, promises …). The value is read once, while the text is written, so a getter cannot
 * show one thing to the check and another to the text.
 */
type Encoded =
  | { readonly ok: true; readonly text: string; readonly remark?: string }
  | { readonly ok: false; readonly fault: string };
interface Kinds {
  kindOf(item: object): string;
  nameOf(item: object): string;
  classOf(item: object): string;
  unbox(item: object): unknown;
  regExpText(item: object): string;
  isDated(item: object): boolean;
  numbersOf(item: object): { readonly length: number; readonly values: Record<number, unknown> };
}
interface Errors {
  headOf(error: object): string;
  fieldsOf(error: object): readonly string[];
  isLikeError(item: object): boolean;
}
interface Namespaces {
  written(value: unknown): { readonly json: string } | undefined;
}

(kinds: Kinds, errors: Errors, { written }: Namespaces, display: (value: unknown) => string) => {
  const MAX_DEPTH = 200;
  const { parse, stringify } = JSON;
  const { keys, create } = Object;
  const { isArray } = Array;
  const { apply, defineProperty } = Reflect;
  const { isFinite } = Number;
  const functionText = (() => undefined).toString;
  const { charCodeAt, startsWith } = String.prototype;

  type Path = () => string;
  /** Thrown only inside, so that a guest's exception while its value is read can be told apart. */
  class Fault {
    readonly text: string;
    constructor(path: Path, what: string) {
      this.text = `${path()} is ${what}`;
    }
  }

  const encode = (value: unknown, root: string): Encoded => {
    // Without a prototype: assigning to an array's element would call the program's setters.
    const ancestors: Record<number, unknown> = create(null);
    let depth = 0;
    let remark = "";
    let others = 0;

    /** Notes a loss: the text was written without this part. */
    function lose(path: Path, what: string): void {
      if (remark === "") remark = `${path()} ${what}`;
      else others += 1;
    }

    function write(raw: unknown, key: string, path: Path): string | undefined {
      if (typeof raw !== "object" || raw === null) return writePrimitive(raw, path);
      const item = written(raw) === undefined ? toJSON(raw, key) : raw;
      if (item === null && kinds.kindOf(raw) === "Date") lose(path, "was an invalid Date and became null");
      if (typeof item !== "object" || item === null) return writePrimitive(item, path);
      return written(item)?.json ?? writeObject(item, path);
    }

    function toJSON(item: object, key: string): unknown {
      const { toJSON } = item as { toJSON?: unknown };
      if (typeof toJSON !== "function" || toJSON === errorMethods.toJSON) return item;
      try {
        return apply(toJSON as () => unknown, item, [key]);
      } catch (thrown) {
        // An error that cannot be written still has its message.
        if (kinds.kindOf(item) === "error") return item;
        throw thrown;
      }
    }

    function writePrimitive(item: unknown, path: Path): string | undefined {
      switch (typeof item) {
        case "undefined":
          return undefined;
        case "string":
          return stringify(item);
        case "boolean":
          return item ? "true" : "false";
        case "number":
          if (isFinite(item)) return `${item === 0 ? 0 : item}`;
          lose(path, `was ${item} and became null`);
          return "null";
        case "bigint":
          throw new Fault(path, "a BigInt (use Number(x) or String(x))");
        case "symbol":
          throw new Fault(path, "a symbol");
        case "function": {
          const isClass = apply(startsWith, apply(functionText, item, []), ["class"]);
          throw new Fault(path, isClass ? "a class" : "a function");
        }
        default:
          return "null";
      }
    }

    function writeObject(item: object, path: Path): string {
      const kind = kinds.kindOf(item);
      switch (kind) {
        case "boxed":
          return writePrimitive(kinds.unbox(item), path) as string;
        case "RegExp":
          return stringify(kinds.regExpText(item));
        case "Map":
        case "Set":
        case "ArrayBuffer":
        case "DataView":
        case "unwritable":
          throw new Fault(path, kinds.nameOf(item));
      }
      const isError =
        kind === "error" || (kind === "object" && keys(item).length === 0 && errors.isLikeError(item));
      for (let i = 0; i < depth; i++) {
        if (ancestors[i] !== item) continue;
        // A failure's message is kept, even where its causes lead back to it.
        if (isError) return `{${errors.headOf(item)}}`;
        throw new Fault(path, "a cycle");
      }
      if (depth >= MAX_DEPTH) throw new Fault(path, `nested more than ${MAX_DEPTH} levels deep`);
      ancestors[depth] = item;
      depth += 1;
      const text = isError
        ? writeError(item, path)
        : isArray(item)
          ? writeElements(item.length, item as unknown as Record<number, unknown>, path)
          : kind === "typed array"
            ? writeNumbers(item, path)
            : writeRecord(item, kind, path);
      depth -= 1;
      return text;
    }

    function writeNumbers(item: object, path: Path): string {
      const { length, values } = kinds.numbersOf(item);
      return writeElements(length, values, path);
    }

    function writeElements(length: number, items: Record<number, unknown>, path: Path): string {
      let text = "[";
      for (let i = 0; i < length; i++) {
        if (i > 0) text += ",";
        const place: Path = () => `${path()}[${i}]`;
        const element = write(items[i], `${i}`, place);
        if (element === undefined) lose(place, "was undefined and became null");
        text += element ?? "null";
      }
      return `${text}]`;
    }

    function writeRecord(record: object, kind: string, path: Path): string {
      const names = keys(record);
      let text = "";
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        const member = write((record as Record<string, unknown>)[name], name, memberOf(path, name));
        if (member === undefined) continue;
        text += `${text === "" ? "" : ","}${stringify(name)}:${member}`;
      }
      if (names.length === 0 && kind !== "plain") {
        const className = kinds.classOf(record);
        const what = className === "" || className === "Object" ? "an object" : `an instance of ${className}`;
        lose(path, `was ${what} without fields of its own and became {}`);
      }
      return `{${text}}`;
    }

    /**
     * The message comes first. The other fields are written as far as possible: no field of a failure fails the run.
     */
    function writeError(error: object, path: Path): string {
      let text = errors.headOf(error);
      const names = errors.fieldsOf(error);
      const at = depth;
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        const field = readField(error, name);
        if (typeof field === "function") continue;
        let written: string | undefined;
        try {
          written = write(field, name, memberOf(path, name));
        } catch {
          depth = at;
          written = stringify(display(field));
        }
        if (written !== undefined) text += `,${stringify(name)}:${written}`;
      }
      return `{${text}}`;
    }

    try {
      const text = write(value, "", () => root) ?? "null";
      if (remark === "") return { ok: true, text };
      const more = others === 0 ? "" : ` (and ${others} more)`;
      return { ok: true, text, remark: `${remark}${more}` };
    } catch (thrown) {
      if (thrown instanceof Fault) return { ok: false, fault: thrown.text };
      return { ok: false, fault: `${root} could not be read: ${describe(thrown)}` };
    }
  };

  // `JSON.stringify(error)` in the program includes the message too; the language would give `{}`.
  const errorMethods = {
    toJSON(this: unknown): unknown {
      const encoded = encode(this, "error");
      return encoded.ok ? parse(encoded.text) : display(this);
    },
  };
  defineProperty(Error.prototype, "toJSON", {
    value: errorMethods.toJSON,
    writable: true,
    enumerable: false,
    configurable: true,
  });
  return encode;

  function readField(error: object, name: string): unknown {
    try {
      return (error as Record<string, unknown>)[name];
    } catch {
      return undefined;
    }
  }

  function memberOf(path: () => string, name: string): () => string {
    return () => (isIdentifier(name) ? `${path()}.${name}` : `${path()}[${stringify(name)}]`);
  }

  /** By hand: a regular expression would set RegExp.lastMatch and call the program's exec. */
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
