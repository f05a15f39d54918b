/** What the language or a platform has and a program has not: names, memory that V8 does not count, buffers that grow. */
import { openArena } from "./helpers/arena.ts";
import { noRoute } from "./helpers/routes.ts";

const { attack } = openArena();

attack(
  noRoute("nothing of Node, and nothing of a browser, is in a program's world", {
    process: "process.env",
    require: "require('fs')",
    module: "module.constructor",
    Buffer: "Buffer.from('x')",
    fetch: "fetch",
    URL: "new URL('http://localhost')",
    navigator: "navigator.userAgent",
    MessageChannel: "new MessageChannel()",
    Worker: "Worker",
    XMLHttpRequest: "XMLHttpRequest",
    global: "global.process",
    gc: "gc() === undefined",
    "a native syntax": "globalThis['%DebugPrint']",
    "a binding": "globalThis.internalBinding ?? globalThis.primordials",
    "the engine's own names": "globalThis.ivm ?? globalThis.post ?? globalThis.bridge ?? globalThis._ivm",
  }),
);

attack(
  noRoute("what allocates, waits or watches outside the engine's count is gone by every route", {
    "WebAssembly memory": "new WebAssembly.Memory({ initial: 1 }).buffer.byteLength",
    "WebAssembly module": "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
    SharedArrayBuffer: "new SharedArrayBuffer(8).byteLength",
    "growable SharedArrayBuffer": "new SharedArrayBuffer(8, { maxByteLength: 16 }).growable",
    "Atomics.wait": "Atomics.wait(new Int32Array(1), 0, 0, 1)",
    "Atomics.add": "Atomics.add(new Int32Array(1), 0, 1) === 0",
    WeakRef: "new WeakRef({}).deref()",
    FinalizationRegistry: "new FinalizationRegistry(() => {})",
    Temporal: "Temporal.Now.instant()",
  }),
);

attack({
  claim: "the globals hold nothing but the language and what the engine documents",
  code: `const known = new Set(input);
    return Reflect.ownKeys(globalThis).map(String).filter((name) => !known.has(name))`,
  input: [
    ...["Object", "Array", "Number", "parseFloat", "parseInt", "Infinity", "NaN", "undefined", "Boolean"],
    ...[
      "String",
      "Symbol",
      "Date",
      "Promise",
      "RegExp",
      "Error",
      "AggregateError",
      "EvalError",
      "RangeError",
    ],
    ...["ReferenceError", "SyntaxError", "TypeError", "URIError", "SuppressedError", "globalThis", "JSON"],
    ...["Math", "Intl", "ArrayBuffer", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array"],
    ...["Int32Array", "BigUint64Array", "BigInt64Array", "Uint8ClampedArray", "Float16Array", "Float32Array"],
    ...["Float64Array", "DataView", "Map", "BigInt", "Set", "Iterator", "WeakMap", "WeakSet", "Proxy"],
    ...[
      "Reflect",
      "decodeURI",
      "decodeURIComponent",
      "encodeURI",
      "encodeURIComponent",
      "escape",
      "unescape",
    ],
    ...["isFinite", "isNaN", "DisposableStack", "AsyncDisposableStack"],
    ...["console", "setTimeout", "clearTimeout", "sleep", "ToolError", "tools", "lab", "input"],
    ...["setInterval", "clearInterval", "setImmediate", "clearImmediate", "queueMicrotask"],
    ...["crypto", "performance", "btoa", "atob", "TextEncoder", "TextDecoder", "structuredClone"],
    // Taken away: they are there only to say so.
    ...["eval", "Function", "WebAssembly", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry"],
    ...["Temporal"],
  ],
  expect: { result: [] },
});

// A resizable buffer cannot be told from another once its getters are gone: what counts is that nobody reads the option.
attack(
  noRoute(
    "an ArrayBuffer cannot be made resizable by any route",
    {
      "an option": "reads((option) => new ArrayBuffer(8, option))",
      "an inherited option": "reads((option) => new ArrayBuffer(8, Object.create(option)))",
      "a proxy as option": "reads((option) => new ArrayBuffer(8, new Proxy(option, {})))",
      "a subclass": "reads((option) => new (class extends ArrayBuffer {})(8, option))",
      "a super call":
        "reads((option) => new (class extends ArrayBuffer { constructor() { super(8, option) } })())",
      "Reflect.construct": "reads((option) => Reflect.construct(ArrayBuffer, [8, option]))",
      "another new target": "reads((option) => Reflect.construct(ArrayBuffer, [8, option], Object))",
      "the constructor of a buffer":
        "reads((option) => new (new Uint8Array(1).buffer.constructor)(8, option))",
      "the constructor of a slice":
        "reads((option) => new (new Uint8Array(1).buffer.slice(0).constructor)(8, option))",
      "the constructor of a view's buffer":
        "reads((option) => new (new DataView(new ArrayBuffer(8)).buffer.constructor)(8, option))",
      "the constructor on the prototype":
        "reads((option) => new ArrayBuffer.prototype.constructor(8, option))",
      "the species": "reads((option) => new ArrayBuffer[Symbol.species](8, option))",
      "the parent of a subclass":
        "reads((option) => new (Object.getPrototypeOf(class extends ArrayBuffer {}))(8, option))",
      "the parent of the constructor":
        "reads((option) => new (Object.getPrototypeOf(ArrayBuffer))(8, option))",
      bind: "reads((option) => new (ArrayBuffer.bind(null, 8, option))())",
      "a proxy of the constructor": "reads((option) => new (new Proxy(ArrayBuffer, {}))(8, option))",
      "the constructor after the prototype lost its own":
        "reads((option) => { delete ArrayBuffer.prototype.constructor; return new (new Uint8Array(1).buffer.constructor)(8, option) })",
      "an option on Object.prototype":
        "reads((option) => { Object.defineProperty(Object.prototype, 'maxByteLength', Object.getOwnPropertyDescriptor(option, 'maxByteLength')); return new ArrayBuffer(8, {}) })",
    },
    `const reads = (make) => {
      let read = false;
      try { make({ __proto__: null, get maxByteLength() { read = true; return 64 } }) } catch {}
      return read;
    };`,
  ),
);

attack(
  noRoute(
    "an ArrayBuffer cannot be resized, moved or detached",
    {
      resize: "new ArrayBuffer(8, { maxByteLength: 64 }).resize(64) === undefined",
      transfer: "new ArrayBuffer(8).transfer(64).byteLength === 64",
      transferToFixedLength: "new ArrayBuffer(8).transferToFixedLength(64).byteLength === 64",
      transferToImmutable: "new ArrayBuffer(8).transferToImmutable().byteLength === 8",
      "structuredClone with transfer":
        "(() => { const buffer = new ArrayBuffer(8); return structuredClone(buffer, { transfer: [buffer] }).byteLength === 8 })()",
      "a method found on a buffer": "Reflect.apply(new ArrayBuffer(8).transfer, new ArrayBuffer(8), [64])",
      "a method found on the prototype":
        "ArrayBuffer.prototype.resize.call(new ArrayBuffer(8, { maxByteLength: 64 }), 64) === undefined",
      "any other method":
        "Reflect.ownKeys(ArrayBuffer.prototype).some((key) => /resize|transfer|grow|detach(?!ed)/.test(String(key)) && calls(key))",
    },
    `const calls = (key) => { try { Reflect.apply(ArrayBuffer.prototype[key], new ArrayBuffer(8), [64]); return true } catch { return false } };`,
  ),
);

attack({
  claim: "a buffer has no member but those that can't change its memory",
  code: `const buffer = new ArrayBuffer(8);
    return [Reflect.ownKeys(ArrayBuffer.prototype).map(String), Reflect.ownKeys(ArrayBuffer).map(String), Reflect.ownKeys(buffer),
      Object.getPrototypeOf(ArrayBuffer.prototype) === Object.prototype]`,
  expect: {
    result: [
      ["constructor", "byteLength", "slice", "Symbol(Symbol.toStringTag)"],
      ["length", "name", "prototype", "isView", "Symbol(Symbol.species)"],
      [],
      true,
    ],
  },
});

attack({
  claim: "a hardened ArrayBuffer is still an ArrayBuffer",
  code: `const buffer = new ArrayBuffer(8);
    class Mine extends ArrayBuffer { get mine() { return true } }
    return [buffer instanceof ArrayBuffer, new Uint8Array(buffer.slice(2)).length, ArrayBuffer.isView(new DataView(buffer)),
      buffer.constructor === ArrayBuffer, new Uint8Array(4).buffer instanceof ArrayBuffer, ArrayBuffer.name,
      new Mine(4).mine, new Mine(4).slice(1) instanceof Mine, Object.prototype.toString.call(buffer)]`,
  expect: {
    result: [true, 6, true, true, true, "ArrayBuffer", true, true, "[object ArrayBuffer]"],
  },
});
