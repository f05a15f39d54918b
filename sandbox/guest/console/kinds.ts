/**
 * The kind of an object, and the contents that no property shows. Decided by the language's own prototypes as they were
 * before the program ran: `instanceof` would run the program's code.
 */
type Kind =
  | "plain"
  | "object"
  | "array"
  | "error"
  | "boxed"
  | "Date"
  | "RegExp"
  | "Map"
  | "Set"
  | "typed array"
  | "ArrayBuffer"
  | "DataView"
  | "unwritable";
interface Kinds {
  /** `unwritable`: the object has no text form; `nameOf` says what it is. */
  kindOf(item: object): Kind;
  /** With its article and the remedy: `a Map (use Object.fromEntries(map))`. */
  nameOf(item: object): string;
  /** The name of its class. */
  classOf(item: object): string;
  unbox(item: object): unknown;
  regExpText(item: object): string;
  /** False for an invalid date. */
  isDated(item: object): boolean;
  /** Visits a Map or Set without its iterator, which may be the program's. Members of a set are their own keys. */
  eachOf(item: object, visit: (value: unknown, key: unknown) => void): void;
  sizeOf(item: object): number;
  /** The numbers of a typed array; the bytes of an ArrayBuffer or DataView. */
  numbersOf(item: object): { readonly length: number; readonly values: Record<number, unknown> };
}

(): Kinds => {
  const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const { isArray } = Array;
  const { isNaN } = Number;
  const { isPrototypeOf } = Object.prototype;
  const objectPrototype = Object.prototype;
  // Where the engine has `Error.isError`, it recognizes errors that lost their prototype too.
  const { isError } = Error as { isError?: (value: unknown) => boolean };
  const errorPrototype = Error.prototype;
  const Bytes = Uint8Array;
  const mapPrototype = Map.prototype;
  const setPrototype = Set.prototype;
  const datePrototype = Date.prototype;
  const regExpPrototype = RegExp.prototype;
  const bufferPrototype = ArrayBuffer.prototype;
  const viewPrototype = DataView.prototype;
  const parentOf = (of: object): object => getPrototypeOf(of) ?? of;
  const typedPrototype = parentOf(Uint8Array.prototype);
  const { getTime } = datePrototype;
  const regExpToString = regExpPrototype.toString;
  const mapForEach = mapPrototype.forEach;
  const setForEach = setPrototype.forEach;
  const getter = <Value>(of: object, name: string): (() => Value) =>
    getOwnPropertyDescriptor(of, name)?.get as () => Value;
  const mapSize = getter<number>(mapPrototype, "size");
  const setSize = getter<number>(setPrototype, "size");
  const viewBuffer = getter<ArrayBuffer>(viewPrototype, "buffer");
  const viewOffset = getter<number>(viewPrototype, "byteOffset");
  const viewSize = getter<number>(viewPrototype, "byteLength");
  const typedLength = getter<number>(typedPrototype, "length");

  const generatorPrototype = parentOf(
    parentOf(
      (function* () {
        yield;
      })(),
    ),
  );
  const asyncGeneratorPrototype = parentOf(
    parentOf(
      (async function* () {
        yield;
      })(),
    ),
  );

  // Records, not pairs: destructuring a pair would call the program's array iterator.
  const boxes: readonly { readonly prototype: object; readonly valueOf: () => unknown }[] = [
    { prototype: Number.prototype, valueOf: Number.prototype.valueOf },
    { prototype: String.prototype, valueOf: String.prototype.valueOf },
    { prototype: Boolean.prototype, valueOf: Boolean.prototype.valueOf },
    { prototype: BigInt.prototype, valueOf: BigInt.prototype.valueOf },
    { prototype: Symbol.prototype, valueOf: Symbol.prototype.valueOf },
  ];
  const kinds: readonly { readonly prototype: object; readonly kind: Kind; readonly name: string }[] = [
    { prototype: errorPrototype, kind: "error", name: "an error" },
    { prototype: datePrototype, kind: "Date", name: "a Date" },
    { prototype: mapPrototype, kind: "Map", name: "a Map (use Object.fromEntries(map))" },
    { prototype: setPrototype, kind: "Set", name: "a Set (use [...set])" },
    { prototype: Promise.prototype, kind: "unwritable", name: "a Promise (await it)" },
    { prototype: generatorPrototype, kind: "unwritable", name: "a generator (use [...generator])" },
    { prototype: asyncGeneratorPrototype, kind: "unwritable", name: "an async generator" },
    { prototype: Iterator.prototype, kind: "unwritable", name: "an iterator (use [...iterator])" },
    { prototype: regExpPrototype, kind: "RegExp", name: "a RegExp" },
    { prototype: typedPrototype, kind: "typed array", name: "a typed array" },
    {
      prototype: bufferPrototype,
      kind: "ArrayBuffer",
      name: "an ArrayBuffer (use [...new Uint8Array(buffer)])",
    },
    { prototype: viewPrototype, kind: "DataView", name: "a DataView (use [...new Uint8Array(view.buffer)])" },
    { prototype: WeakMap.prototype, kind: "unwritable", name: "a WeakMap" },
    { prototype: WeakSet.prototype, kind: "unwritable", name: "a WeakSet" },
  ];

  const rowOf = (item: object): (typeof kinds)[number] | undefined => {
    for (let i = 0; i < kinds.length; i++) {
      const row = kinds[i] as (typeof kinds)[number];
      if (apply(isPrototypeOf, row.prototype, [item])) return row;
    }
    return undefined;
  };
  const boxOf = (item: object): (typeof boxes)[number] | undefined => {
    for (let i = 0; i < boxes.length; i++) {
      const box = boxes[i] as (typeof boxes)[number];
      if (apply(isPrototypeOf, box.prototype, [item])) return box;
    }
    return undefined;
  };

  return {
    kindOf(item) {
      if (isArray(item)) return "array";
      if (isError?.(item)) return "error";
      const prototype = getPrototypeOf(item);
      if (prototype === objectPrototype || prototype === null) return "plain";
      if (boxOf(item) !== undefined) return "boxed";
      return rowOf(item)?.kind ?? "object";
    },
    nameOf: (item) => rowOf(item)?.name ?? "an object",
    classOf(item) {
      const { constructor } = item as { constructor?: { name?: unknown } };
      const name = typeof constructor === "function" ? constructor.name : undefined;
      return typeof name === "string" ? name : "";
    },
    unbox: (item) => apply(boxOf(item)?.valueOf as () => unknown, item, []),
    regExpText: (item) => `${apply(regExpToString, item, [])}`,
    isDated: (item) => !isNaN(apply(getTime, item, [])),
    eachOf(item, visit) {
      const isMap: boolean = apply(isPrototypeOf, mapPrototype, [item]);
      apply(isMap ? mapForEach : setForEach, item, [visit]);
    },
    sizeOf(item) {
      const isMap: boolean = apply(isPrototypeOf, mapPrototype, [item]);
      return apply(isMap ? mapSize : setSize, item, []);
    },
    numbersOf(item) {
      if (apply(isPrototypeOf, typedPrototype, [item]))
        return { length: apply(typedLength, item, []), values: item as Record<number, unknown> };
      const isBuffer = apply(isPrototypeOf, bufferPrototype, [item]);
      const values = isBuffer
        ? new Bytes(item as ArrayBuffer)
        : new Bytes(apply(viewBuffer, item, []), apply(viewOffset, item, []), apply(viewSize, item, []));
      return { length: apply(typedLength, values, []), values: values as Record<number, unknown> };
    },
  };
};

export {};
