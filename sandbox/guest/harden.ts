/**
 * Runs first in every isolate, before the parts of the prelude and the program. Removes everything the engine offers
 * beyond the language, everything that allocates outside the heap's count, everything that carries entropy or real
 * time, and every way to build code from text.
 *
 * The globals are an allowlist written here: a global of a newer engine is deleted until somebody adds it.
 */
() => {
  const allowed = [
    "Object",
    "Array",
    "Number",
    "parseFloat",
    "parseInt",
    "Infinity",
    "NaN",
    "undefined",
    "Boolean",
    "String",
    "Symbol",
    "Date",
    "Promise",
    "RegExp",
    "Error",
    "AggregateError",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
    "globalThis",
    "JSON",
    "Math",
    "Intl",
    "ArrayBuffer",
    "Uint8Array",
    "Int8Array",
    "Uint16Array",
    "Int16Array",
    "Uint32Array",
    "Int32Array",
    "BigUint64Array",
    "BigInt64Array",
    "Uint8ClampedArray",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "DataView",
    "Map",
    "BigInt",
    "Set",
    "Iterator",
    "WeakMap",
    "WeakSet",
    "Proxy",
    "Reflect",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "unescape",
    "isFinite",
    "isNaN",
    "SuppressedError",
    "DisposableStack",
    "AsyncDisposableStack",
  ];
  const { defineProperty, getPrototypeOf } = Object;
  const scope = globalThis as unknown as Record<PropertyKey, unknown>;

  for (const name of Reflect.ownKeys(scope)) {
    if (typeof name === "string" && allowed.includes(name)) continue;
    if (!Reflect.deleteProperty(scope, name))
      throw new Error(`the engine does not let go of the global ${String(name)}`);
  }

  // The four function constructors are reachable only as `constructor` on their prototypes.
  const refuse = function Function(): never {
    throw new TypeError("Code cannot be built from text here. Write the function itself.");
  };
  const families = [
    () => undefined,
    async () => undefined,
    function* () {
      yield;
    },
    async function* () {
      yield;
    },
  ];
  for (const member of families) {
    const prototype: object = getPrototypeOf(member);
    defineProperty(prototype, "constructor", {
      value: refuse,
      writable: false,
      enumerable: false,
      configurable: false,
    });
  }
  defineProperty(refuse, "prototype", { value: getPrototypeOf(refuse), writable: false });

  // Resizable and transferable buffers allocate outside V8's limit. Without the option, the getters and the methods no
  // program can make one: subclasses and Reflect.construct use this constructor too.
  const RealArrayBuffer = ArrayBuffer;
  const { construct } = Reflect;
  const FixedArrayBuffer = function ArrayBuffer(this: unknown, length?: unknown): object {
    if (new.target === undefined) throw new TypeError("Constructor ArrayBuffer requires 'new'");
    return construct(RealArrayBuffer, [length], new.target);
  };
  const fixed = { writable: true, enumerable: false, configurable: true };
  defineProperty(FixedArrayBuffer, "prototype", { value: RealArrayBuffer.prototype, writable: false });
  defineProperty(FixedArrayBuffer, "isView", { ...fixed, value: RealArrayBuffer.isView });
  defineProperty(FixedArrayBuffer, Symbol.species, {
    get(this: unknown) {
      return this;
    },
    configurable: true,
  });
  defineProperty(RealArrayBuffer.prototype, "constructor", { ...fixed, value: FixedArrayBuffer });
  defineProperty(globalThis, "ArrayBuffer", { ...fixed, value: FixedArrayBuffer });
  for (const name of [
    "resize",
    "transfer",
    "transferToFixedLength",
    "maxByteLength",
    "resizable",
    "detached",
  ])
    Reflect.deleteProperty(RealArrayBuffer.prototype, name);
};

export {};
