/** `structuredClone`: data of any shape, cycles included, as browsers copy it. */
interface Clone {
  readonly globals: Record<string, unknown>;
}
interface Kinds {
  kindOf(item: object): string;
  unbox(item: object): unknown;
  eachOf(item: object, visit: (value: unknown, key: unknown) => void): void;
}

({ kindOf, unbox, eachOf }: Kinds): Clone => {
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const { freeze, keys } = Object;
  const GuestObject = Object;
  const GuestArray = Array;
  const GuestDate = Date;
  const GuestMap = Map;
  const GuestSet = Set;
  const GuestRegExp = RegExp;
  const GuestError = Error;
  const GuestTypeError = TypeError;
  const View = DataView;
  const { getTime } = Date.prototype;
  const { get, set } = Map.prototype;
  const { add } = Set.prototype;
  const { slice } = ArrayBuffer.prototype;
  const typedPrototype = getPrototypeOf(Uint8Array.prototype) as object;
  const getterOf = (of: object, name: PropertyKey): (() => unknown) =>
    getOwnPropertyDescriptor(of, name)?.get as () => unknown;
  const tagOf = getterOf(typedPrototype, Symbol.toStringTag);
  const typed = {
    buffer: getterOf(typedPrototype, "buffer"),
    offset: getterOf(typedPrototype, "byteOffset"),
  };
  const lengthOf = getterOf(typedPrototype, "length");
  const view = {
    buffer: getterOf(View.prototype, "buffer"),
    offset: getterOf(View.prototype, "byteOffset"),
    length: getterOf(View.prototype, "byteLength"),
  };
  const source = getterOf(RegExp.prototype, "source");
  const flags = getterOf(RegExp.prototype, "flags");
  const errors: Record<string, unknown> = { __proto__: null } as never;
  for (const each of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])
    errors[each.name] = each;
  const arrays: Record<string, unknown> = { __proto__: null } as never;
  for (const each of [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ])
    arrays[each.name] = each;

  const put = (on: object, name: PropertyKey, value: unknown, enumerable = true): void => {
    defineProperty(on, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable,
      configurable: true,
    } as never);
  };

  const refuse = (what: string): never => {
    const error = new GuestError(`structuredClone cannot copy ${what}: copy plain data.`);
    put(error, "name", "DataCloneError", false);
    put(error, "code", 25, false);
    throw error;
  };
  const structuredClone = (...given: unknown[]): unknown => {
    if (given.length === 0) throw new GuestTypeError("structuredClone needs a value");
    const { transfer } = (given[1] ?? {}) as { transfer?: unknown };
    if (transfer !== undefined && (transfer as { length?: unknown }).length !== 0) refuse("by transfer");
    const copies = new GuestMap<object, object>();
    const keep = <T extends object>(of: object, copy: T): T => {
      apply(set, copies, [of, copy]);
      return copy;
    };

    const copy = (value: unknown): unknown => {
      if (typeof value === "symbol") return refuse("a symbol");
      if (typeof value === "function") return refuse("a function");
      if (typeof value !== "object" || value === null) return value;
      return apply(get, copies, [value]) ?? copyObject(value);
    };
    const copyObject = (item: object): object => {
      switch (kindOf(item)) {
        case "array": {
          const all = keep(item, new GuestArray((item as unknown[]).length));
          copyMembers(item, all);
          return all;
        }
        case "plain":
        case "object":
          return copyMembers(item, keep(item, {}));
        case "boxed": {
          const inner = unbox(item);
          if (typeof inner === "symbol") refuse("a symbol");
          return keep(item, GuestObject(inner));
        }
        case "Date":
          return keep(item, new GuestDate(apply(getTime, item, [])));
        case "RegExp":
          return keep(
            item,
            new GuestRegExp(apply(source, item, []) as string, apply(flags, item, []) as string),
          );
        case "Map":
          return copyMap(item);
        case "Set": {
          const all = keep(item, new GuestSet());
          eachOf(item, (member) => void apply(add, all, [copy(member)]));
          return all;
        }
        case "error":
          return copyError(item);
        case "ArrayBuffer":
          return keep(item, apply(slice, item, [0]) as object);
        case "typed array": {
          const buffer = copy(apply(typed.buffer, item, []));
          const type = arrays[apply(tagOf, item, []) as string] as new () => object;
          return keep(
            item,
            construct(type, [buffer, apply(typed.offset, item, []), apply(lengthOf, item, [])]),
          );
        }
        case "DataView": {
          const buffer = copy(apply(view.buffer, item, [])) as ArrayBuffer;
          const offset: number = apply(view.offset as () => number, item, []);
          return keep(item, new View(buffer, offset, apply(view.length as () => number, item, [])));
        }
        default:
          return refuse("a promise, an iterator, or what holds its members weakly");
      }
    };
    const copyMembers = (from: object, to: object): object => {
      const names = keys(from);
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        put(to, name, copy((from as Record<string, unknown>)[name]));
      }
      return to;
    };
    const copyMap = (item: object): object => {
      const all = keep(item, new GuestMap());
      eachOf(item, (value, key) => void apply(set, all, [copy(key), copy(value)]));
      return all;
    };
    const copyError = (item: object): object => {
      const { name, message, stack } = item as { name?: unknown; message?: unknown; stack?: unknown };
      const type = (typeof name === "string" ? errors[name] : undefined) ?? GuestError;
      const error = keep(
        item,
        construct(type as new () => object, message === undefined ? [] : [`${message}`]),
      );
      if (typeof stack === "string") put(error, "stack", stack, false);
      const cause = getOwnPropertyDescriptor(item, "cause");
      if (cause !== undefined) put(error, "cause", copy((item as { cause?: unknown }).cause), false);
      return error;
    };
    return copy(given[0]);
  };
  return { globals: { structuredClone: freeze(structuredClone) } };
};

export {};
