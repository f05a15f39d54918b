/** Out of the language: code from text, hidden frames and functions of the engine, objects that were taken away. */
import { expect } from "vitest";
import { openArena } from "./helpers/arena.ts";
import { noRoute } from "./helpers/routes.ts";

const { attack } = openArena();

attack(
  noRoute("no function of a program leads to a constructor that builds code from text", {
    arrow: "(() => 1).constructor('return 7')() === 7",
    "named function": "(function f() {}).constructor('return 7')() === 7",
    method: "({ m() {} }).m.constructor('return 7')() === 7",
    accessor:
      "Object.getOwnPropertyDescriptor({ get x() { return 1 } }, 'x').get.constructor('return 7')() === 7",
    class: "(class {}).constructor('return 7')() === 7",
    "static block":
      "(class { static made; static { this.made = this.constructor('return 7')() } }).made === 7",
    bound: "(function () {}).bind(null).constructor('return 7')() === 7",
    "async function": "await (async () => 1).constructor('return 7')() === 7",
    generator: "(function* () {}).constructor('yield 7')().next().value === 7",
    "async generator": "(await (async function* () {}).constructor('yield 7')().next()).value === 7",
    "with new": "new ((() => 1).constructor)('return 7')() === 7",
  }),
);

attack(
  noRoute(
    "no function of the language or of the engine leads to a constructor that builds code from text",
    {
      builtin: "[].map.constructor('return 7')() === 7",
      "builtin constructor": "Map.constructor('return 7')() === 7",
      "intl constructor": "Intl.Collator.constructor('return 7')() === 7",
      proxy: "new Proxy(function () {}, {}).constructor('return 7')() === 7",
      "proxy constructor": "Proxy.constructor('return 7')() === 7",
      tool: "lab.echo.constructor('return 7')() === 7",
      "unknown tool": "lab.nothing.constructor('return 7')() === 7",
      console: "console.log.constructor('return 7')() === 7",
      timer: "setTimeout.constructor('return 7')() === 7",
      "tool error": "ToolError.constructor('return 7')() === 7",
      date: "Date.constructor('return 7')() === 7",
      "resolve function":
        "await new Promise((resolve) => { let f; try { f = resolve.constructor('return 7')() } catch {} resolve(f === 7) })",
      "species getter":
        "Object.getOwnPropertyDescriptor(Promise, Symbol.species).get.constructor('return 7')() === 7",
      "throw type error":
        "Object.getOwnPropertyDescriptor(Function_prototype, 'caller').get.constructor('return 7')() === 7",
    },
    "const Function_prototype = Object.getPrototypeOf(() => 1);",
  ),
);

attack(
  noRoute("prototype chains of generators and iterators end before a function constructor", {
    "generator object":
      "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).constructor.constructor('yield 7')().next().value === 7",
    "async generator object":
      "(await Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())).constructor.constructor('yield 7')().next()).value === 7",
    "generator prototype":
      "Object.getPrototypeOf(function* () {}).constructor('yield 7')().next().value === 7",
    __proto__: "(async () => 1).__proto__.constructor('return 7')",
    __lookupGetter__: "({}).__lookupGetter__('__proto__').constructor('return 7')() === 7",
    "map iterator": "Object.getPrototypeOf(new Map().values()).next.constructor('return 7')() === 7",
    "iterator helper": "Iterator.from([]).map.constructor('return 7')() === 7",
  }),
);

attack(
  noRoute("Reflect and subclasses do not get to a function constructor either", {
    "Reflect.construct": "Reflect.construct((() => 1).constructor, ['return 7'])() === 7",
    "Reflect.apply": "Reflect.apply((() => 1).constructor, null, ['return 7'])() === 7",
    "a subclass": "new (class extends (() => 1).constructor {})('return 7')() === 7",
    "a subclass of the async one":
      "await new (class extends (async () => 1).constructor {})('return 7')() === 7",
    "a new target":
      "Reflect.construct(Object, [], (async () => 1).constructor) instanceof Object.getPrototypeOf(async () => 1).constructor.made",
    "the species of a function's class": "(() => 1).constructor[Symbol.species]('return 7')() === 7",
    "the constructor's constructor": "(() => 1).constructor.constructor('return 7')() === 7",
    "the refusal's prototype": "(() => 1).constructor.prototype.constructor('return 7')() === 7",
    "deleting the refusal":
      "delete Object.getPrototypeOf(() => 1).constructor && (() => 1).constructor('return 7')() === 7",
    "redefining the refusal":
      "Object.defineProperty(Object.getPrototypeOf(() => 1), 'constructor', { value: 7 }).constructor === 7",
  }),
);

attack(
  noRoute("eval is gone, direct, indirect and by other names", {
    direct: "eval('3 + 4') === 7",
    indirect: "(0, eval)('3 + 4') === 7",
    "of globalThis": "globalThis.eval('3 + 4') === 7",
    "of this": "(function () { return this })().eval('3 + 4') === 7",
    "of Function": "Function('return 7')() === 7",
    "of a timer": "setTimeout('globalThis.seven = 7', 0) && (await sleep(1), globalThis.seven === 7)",
    "in a with": "(() => { with (globalThis) { return eval('3 + 4') === 7 } })()",
    "of a new realm": "new ShadowRealm().evaluate('3 + 4') === 7",
  }),
);

attack(
  noRoute("import() loads nothing, from nowhere", {
    "a module of node": "await import('node:fs')",
    "a bare name": "await import('fs')",
    "a data URL": "(await import('data:text/javascript,export default 7')).default === 7",
    "a file": "await import('file:///etc/passwd')",
    "the program itself": "await import('program.js')",
    "with attributes": "await import('data:application/json,7', { with: { type: 'json' } })",
    "a specifier with a trap": "await import({ toString() { return 'node:vm' } })",
  }),
);

attack({
  claim: "an error of import() names no place on the machine",
  code: `const words = await import("node:fs").then(() => "loaded", (error) => error.stack);
    return [words.includes("loaded"), /\\/(?!\\/)/.test(words)]`,
  expect: { result: [false, false] },
});

attack(
  noRoute("nothing of Node, and nothing of a browser, is in a program's world", {
    process: "process.env",
    require: "require('fs')",
    module: "module.constructor",
    Buffer: "Buffer.from('x')",
    fetch: "fetch",
    performance: "performance.now()",
    structuredClone: "structuredClone({})",
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
    ...["isFinite", "isNaN", "DisposableStack", "AsyncDisposableStack", "crypto"],
    ...["console", "setTimeout", "clearTimeout", "sleep", "ToolError", "tools", "lab", "input"],
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
        "structuredClone(new ArrayBuffer(8), { transfer: [] }).byteLength === 8",
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

attack({
  claim: "Error.prepareStackTrace is never run, so no call site of the engine is in anyone's hands",
  code: `let traces = 0;
    Error.stackTraceLimit = Infinity;
    Error.prepareStackTrace = (error, sites) => { traces += sites.length; return sites };
    const look = () => { const target = {}; Error.captureStackTrace(target); return [new Error().stack, target.stack] };
    look();
    await lab.echo({ get value() { look(); return 1 } });
    await lab.fail({ toJSON() { look(); return {} } }).catch((error) => error.stack);
    setTimeout(look, 0);
    await sleep(1);
    console.log({ get value() { look() } });
    try { lab.echo(new Proxy({}, { ownKeys() { throw new Error(look()) } })).catch(() => 0) } catch {}
    return traces;`,
  expect: { result: 0 },
});

attack({
  claim: "a function called by the engine finds no caller and no arguments of the engine",
  code: `const found = [];
    function look() {
      let caller = look.caller;
      for (let depth = 0; caller && depth < 20; depth += 1) {
        found.push(caller.name + "/" + (caller.arguments?.length ?? "-"));
        caller = caller.caller;
      }
      return 1;
    }
    const spy = { toJSON: look };
    await lab.echo(spy);
    console.log(spy);
    await lab.echo(Object.defineProperty({}, "value", { get: look, enumerable: true }));
    setTimeout(look, Object.create(null, { valueOf: { value: look } }));
    await sleep(5);
    await new Promise(look).catch(() => 0, sleep(0)).constructor;
    return found;`,
  expect: { result: [] },
  limits: { wallMs: 2_000 },
});

attack({
  claim: "stacks hold names of the program's and the engine's parts, never a path",
  code: `Error.stackTraceLimit = Infinity;
    const stacks = [];
    const keep = (error) => stacks.push(error.stack);
    await lab.fail({}).catch(keep);
    await lab.nothing({}).catch(keep);
    try { (() => 1).constructor("x") } catch (error) { keep(error) }
    try { setTimeout(1) } catch (error) { keep(error) }
    try { new ArrayBuffer(8, { maxByteLength: 9 }).resize(9) } catch (error) { keep(error) }
    await import("node:fs").catch(keep);
    const dig = () => dig();
    try { dig() } catch (error) { keep({ stack: error.stack.slice(0, 200) }) }
    return stacks.flatMap((stack) => stack.match(/[(\\s][^\\s()]*[/\\\\][^\\s()]*/g) ?? [])`,
  expect: { result: [] },
});

attack({
  claim: "an error made of hostile parts ends as the program's own failure, without a word of the engine",
  code: `const error = new Error("x");
    Object.defineProperty(error, "stack", { get() { return { toString() { throw new Error("stack") } } } });
    Object.defineProperty(error, "name", { get() { throw error } });
    throw error;`,
  expect: { ends: "guest_error" },
});

attack({
  claim: "a getter on Error.stackTraceLimit is not run by the engine",
  code: `let reads = 0;
    Object.defineProperty(Error, "stackTraceLimit", { get() { reads += 1; return 100 } });
    await lab.echo({});
    await lab.fail({}).catch(() => 0);
    return reads;`,
  expect: { result: 0 },
});

attack({
  claim: "a program that rewrites Array.prototype cannot change what the host receives",
  code: `for (const key of Object.getOwnPropertyNames(Array.prototype))
      if (typeof [][key] === "function" && key !== "constructor") Array.prototype[key] = () => "evil";
    Array.prototype[Symbol.iterator] = function* () { yield "evil" };
    Array.isArray = () => false;
    console.log("one", ["two"]);
    return await lab.echo({ items: [1, { deep: [2] }] });`,
  expect: { result: { items: [1, { deep: [2] }] } },
  also: ({ logs, calls }) => {
    expect(logs.map((entry) => entry.text)).toEqual(['one ["two"]']);
    expect(calls.map((call) => call.args)).toEqual(['{"items":[1,{"deep":[2]}]}']);
  },
});

attack({
  claim: "a program that ends its own function early and goes on outside has nothing more there",
  code: `return 1 }), globalThis.outside = [typeof process, typeof require, typeof post, typeof encode, typeof enter].join(),
    (async () => { return globalThis.outside`,
  expect: { result: "undefined,undefined,undefined,undefined,undefined" },
});

attack({
  claim: "a with over a proxy sees the program's names only",
  code: `const asked = new Set();
    const scope = new Proxy({}, { has(on, key) { if (typeof key === "string") asked.add(key); return false } });
    await (async () => { with (scope) { await lab.echo({ x: 1 }); console.log("hi"); await sleep(1) } })();
    return [...asked].sort();`,
  expect: { result: ["console", "lab", "sleep"] },
});

attack({
  claim: "subclasses and species of Promise see no promise of the engine they did not make",
  code: `const made = [];
    class Mine extends Promise { constructor(run) { super(run); made.push(new.target.name) } }
    Object.defineProperty(Promise, Symbol.species, { get: () => Mine });
    const answer = await lab.echo({ value: 1 });
    console.log("hi");
    await sleep(1);
    await lab.fail({});
    return { answer, made };`,
  tools: { fail: () => 0 },
  expect: { result: { answer: { value: 1 }, made: [] } },
});

attack({
  claim:
    "a promise prototype whose constructor throws can hang nothing: output and calls arrive, the run ends",
  code: `Object.defineProperty(Promise.prototype, "constructor", { get() { throw new Error("evil") } });
    console.log("hi");
    lab.echo({ value: 1 });
    return "done";`,
  expect: { ends: ["completed", "guest_error"] },
  also: ({ logs, calls }) => {
    expect(logs.map((entry) => entry.text)).toEqual(["hi"]);
    expect(calls.map((call) => call.args)).toEqual(['{"value":1}']);
  },
});

attack({
  claim: "RegExp statics hold nothing that the engine matched",
  code: `const statics = () => [RegExp.input, RegExp.lastMatch, RegExp.lastParen, RegExp.leftContext, RegExp.rightContext, RegExp.$1, RegExp.$9].join("");
    const before = statics();
    await lab.echo({ "not an identifier": 1, plain: 2 }).catch(() => 0);
    await lab.echo({ "odd key": () => 1 }).catch(() => 0);
    console.log({ "odd key": Symbol() });
    return [before, statics()];`,
  expect: { result: ["", ""] },
});

attack({
  claim: "no object that can be walked to builds code or is a handle of the engine",
  code: `const names = ["applySync", "derefInto", "copySync", "deref", "transferIn", "applyIgnored", "createContextSync", "release"];
    const found = [];
    const seen = new Set();
    const queue = [globalThis, lab.echo({}), sleep(0), console, tools.lab, lab, ToolError, input, crypto, () => 1, async () => 1,
      function* () {}, async function* () {}, (function* () {})(), (async function* () {})(), /x/, Symbol.iterator, new Map().keys(),
      "".matchAll(/x/g), new Intl.Segmenter().segment("x")[Symbol.iterator](), Iterator.from({ next() {} }), await lab.fail({}).catch((error) => error)];
    while (queue.length > 0) {
      const item = queue.pop();
      if ((typeof item !== "object" && typeof item !== "function") || item === null || seen.has(item)) continue;
      seen.add(item);
      for (const name of names) if (Object.hasOwn(item, name) && typeof item[name] === "function") found.push(name);
      if (typeof item === "function") {
        for (const make of [() => item("return 7"), () => new item("return 7"), () => item("", "return 7")]) {
          try {
            const made = make();
            if (typeof made === "function" && made() === 7) found.push("code by " + item.name);
            queue.push(made);
          } catch {}
        }
      }
      queue.push(Object.getPrototypeOf(item));
      for (const key of Reflect.ownKeys(item)) {
        const { get, set, value } = Object.getOwnPropertyDescriptor(item, key);
        queue.push(get, set, value);
      }
      if (seen.size > 20_000) break;
    }
    return { found, walked: seen.size > 500 };`,
  expect: { result: { found: [], walked: true } },
});

attack(
  noRoute(
    "real time cannot be read by any route",
    {
      "Date.now": "await moved(() => Date.now())",
      "new Date": "await moved(() => +new Date())",
      "Date()": "await moved(() => Date.parse(Date()))",
      "a subclass": "await moved(() => +new (class extends Date {})())",
      "Reflect.construct": "await moved(() => Reflect.construct(Date, []).getTime())",
      "Date.prototype.constructor": "await moved(() => +new Date.prototype.constructor())",
      "the constructor of a date": "await moved(() => new Date(0).constructor.now())",
      "another new target":
        "await moved(() => Date.prototype.getTime.call(Reflect.construct(Date, [], Object)))",
      "Intl format": "await moved(() => +format.format())",
      "Intl formatToParts": "await moved(() => +format.formatToParts().map((part) => part.value).join(''))",
      "Intl format of null":
        "await moved(() => +format.formatToParts(undefined).map((part) => part.value).join(''))",
      Temporal: "await moved(() => Temporal.Now.instant().epochMilliseconds)",
      performance: "await moved(() => performance.now())",
    },
    `const format = new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3, second: "numeric", minute: "numeric" });
      const spin = () => { let n = 0; for (let i = 0; i < 8e6; i++) n = (n * 31 + i) | 0; return n };
      const moved = (read) => { const before = read(); spin(); return Math.abs(read() - before) > 1 };`,
  ),
);

attack(
  noRoute("the namespaces and the engine's globals cannot be replaced, extended or reconfigured", {
    "a tool": "(() => { 'use strict'; lab.echo = 7; return lab.echo === 7 })()",
    "a new tool": "Reflect.defineProperty(lab, 'mine', { value: 7 }) || lab.mine === 7",
    "a deleted tool": "Reflect.deleteProperty(lab, 'echo') && !('echo' in lab)",
    "the prototype": "Reflect.setPrototypeOf(lab, { evil: 7 }) || lab.evil === 7",
    "a namespace": "(() => { try { lab = 7 } catch {} return lab === 7 })()",
    tools: "(() => { try { tools = 7 } catch {} return tools === 7 })()",
    "a global by definition": "Reflect.defineProperty(globalThis, 'lab', { value: 7 })",
    "console.log": "(() => { console.log = 7; return console.log === 7 })()",
    "a tool's own properties": "Reflect.set(lab.echo, 'apply', 7)",
    "the timer": "(() => { try { setTimeout = 7 } catch {} return setTimeout === 7 })()",
  }),
);

attack({
  claim: "awaiting a namespace, a tool or an unknown server does not hang",
  code: `return [typeof await lab, typeof await tools, typeof await tools.lab, typeof await tools.nobody, typeof await lab.echo, JSON.stringify(lab)]`,
  expect: { result: ["object", "object", "object", "object", "function", "{}"] },
});

attack({
  claim: "tools called at the edge of the stack fail in the program, and the worker lives",
  code: `let calls = 0;
    const dig = () => { try { return dig() } catch { try { lab.echo({ deep: [[[1]]] }).catch(() => 0); calls += 1 } catch {} } };
    dig();
    for (let i = 0; i < 200; i++) { const climb = (n) => n === 0 ? dig() : climb(n - 1); climb(i) }
    return (await lab.echo({ value: 1 })).value;`,
  limits: { toolCalls: 10_000, cpuMs: 2_000 },
  expect: { result: 1 },
});
