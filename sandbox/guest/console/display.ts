/**
 * Any value as text, for the console and for thrown values. JSON where JSON can write it; also what JSON would drop or
 * write as an empty object. Reading a guest's value may run the guest's code.
 */
interface Kinds {
  kindOf(item: object): string;
  nameOf(item: object): string;
  classOf(item: object): string;
  unbox(item: object): unknown;
  regExpText(item: object): string;
  isDated(item: object): boolean;
  eachOf(item: object, visit: (value: unknown, key: unknown) => void): void;
  sizeOf(item: object): number;
  numbersOf(item: object): { readonly length: number; readonly values: Record<number, unknown> };
}
interface Errors {
  headOf(error: object): string;
  textOf(error: object): string;
  fieldsOf(error: object): readonly string[];
  isLikeError(item: object): boolean;
}
interface Namespaces {
  written(value: unknown): { readonly words: string } | undefined;
}

/** Never throws. */
type Display = (value: unknown) => string;

(kinds: Kinds, errors: Errors, { written }: Namespaces): Display => {
  const MAX_DEPTH = 200;
  /** Numbers shown of binary data: its kind and its beginning are enough for a reader. */
  const MAX_NUMBERS = 100;
  const UNREADABLE = "[unreadable value]";
  const { apply } = Reflect;
  const { keys, create } = Object;
  const { stringify } = JSON;
  const { slice, startsWith } = String.prototype;
  const functionText = (() => undefined).toString;
  const toText = String;

  return (value) => {
    const ancestors: Record<number, unknown> = create(null);
    let depth = 0;

    /** A part that cannot be read does not affect the others. */
    function show(item: unknown, key: string): string {
      const at = depth;
      try {
        if (typeof item === "string") return stringify(item);
        return typeof item === "object" && item !== null ? showObject(item, key) : showPrimitive(item);
      } catch {
        depth = at;
        return UNREADABLE;
      }
    }

    function showPrimitive(item: unknown): string {
      if (typeof item === "bigint") return `${item}n`;
      if (typeof item !== "function") return toText(item);
      const what = apply(startsWith, apply(functionText, item, []), ["class"]) ? "class" : "function";
      return item.name === "" ? `[${what}]` : `[${what} ${item.name}]`;
    }

    function showObject(raw: object, key: string): string {
      const namespace = written(raw);
      if (namespace !== undefined) return namespace.words;
      const kind = kinds.kindOf(raw);
      if (kind === "error") return within(raw, () => `{${errors.headOf(raw)}${fieldsOf(raw)}}`);
      if (kind === "Date" && !kinds.isDated(raw)) return "Invalid Date";
      const { toJSON } = raw as { toJSON?: unknown };
      const item: unknown = typeof toJSON === "function" ? apply(toJSON as () => unknown, raw, [key]) : raw;
      if (item === raw) return showAs(kind, raw);
      if (typeof item === "string") return stringify(item);
      return typeof item === "object" && item !== null
        ? showAs(kinds.kindOf(item), item)
        : showPrimitive(item);
    }

    function showAs(kind: string, item: object): string {
      switch (kind) {
        case "boxed":
          return show(kinds.unbox(item), "");
        case "RegExp":
          return kinds.regExpText(item);
        case "unwritable":
          return `[${kinds.nameOf(item)}]`;
        case "Map":
          return within(item, () => `Map(${kinds.sizeOf(item)}) {${pairsOf(item)}}`);
        case "Set":
          return within(item, () => `Set(${kinds.sizeOf(item)}) {${membersOf(item)}}`);
        case "typed array":
        case "ArrayBuffer":
        case "DataView":
          return numbersOf(kind, item);
        case "array":
          return within(item, () => `[${elementsOf(item as readonly unknown[])}]`);
        default:
          return within(item, () => showRecord(kind, item));
      }
    }

    function within(item: object, inner: () => string): string {
      for (let i = 0; i < depth; i++) if (ancestors[i] === item) return "[circular]";
      if (depth >= MAX_DEPTH) return "[nested too deep]";
      ancestors[depth] = item;
      depth += 1;
      const text = inner();
      depth -= 1;
      return text;
    }

    function showRecord(kind: string, record: object): string {
      const names = keys(record);
      if (names.length > 0 || kind === "plain") return `{${membersNamed(record, names)}}`;
      if (errors.isLikeError(record)) return `{${errors.headOf(record)}}`;
      const className = kinds.classOf(record);
      return className === "" ? "{}" : `${className} {}`;
    }

    function membersNamed(record: object, names: readonly string[]): string {
      let text = "";
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        text += `${i === 0 ? "" : ","}${stringify(name)}:${showMember(record, name)}`;
      }
      return text;
    }

    function showMember(record: object, name: string): string {
      try {
        return show((record as Record<string, unknown>)[name], name);
      } catch {
        return UNREADABLE;
      }
    }

    function elementsOf(items: readonly unknown[]): string {
      let text = "";
      for (let i = 0; i < items.length; i++) text += `${i === 0 ? "" : ","}${show(items[i], `${i}`)}`;
      return text;
    }

    function pairsOf(map: object): string {
      let text = "";
      kinds.eachOf(map, (item, key) => {
        text += `${text === "" ? "" : ", "}${show(key, "")} => ${show(item, "")}`;
      });
      return text;
    }

    function membersOf(set: object): string {
      let text = "";
      kinds.eachOf(set, (item) => {
        text += `${text === "" ? "" : ", "}${show(item, "")}`;
      });
      return text;
    }

    function numbersOf(kind: string, item: object): string {
      const { length, values } = kinds.numbersOf(item);
      const className = kinds.classOf(item);
      let text = `${className === "" ? kind : className}(${length}) [`;
      for (let i = 0; i < length && i < MAX_NUMBERS; i++)
        text += `${i === 0 ? "" : ","}${show(values[i], "")}`;
      return `${text}${length > MAX_NUMBERS ? `,… ${length - MAX_NUMBERS} more` : ""}]`;
    }

    function fieldsOf(error: object): string {
      const names = errors.fieldsOf(error);
      let text = "";
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        text += `,${stringify(name)}:${showMember(error, name)}`;
      }
      return text;
    }

    try {
      if (typeof value === "string") return value;
      if (typeof value !== "object" || value === null) return showPrimitive(value);
      if (written(value) !== undefined || kinds.kindOf(value) !== "error") return show(value, "");
      const fields = within(value, () => fieldsOf(value));
      return fields === "" ? errors.textOf(value) : `${errors.textOf(value)} {${apply(slice, fields, [1])}}`;
    } catch {
      return UNREADABLE;
    }
  };
};

export {};
