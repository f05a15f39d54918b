/** Parts of the language that could show the engine's own frames, functions, promises and clock. */
import { expect } from "vitest";
import { openArena } from "./helpers/arena.ts";
import { noRoute } from "./helpers/routes.ts";

const { attack } = openArena();

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
  claim: "tools called at the edge of the stack fail in the program, and the worker lives",
  code: `let calls = 0;
    const dig = () => { try { return dig() } catch { try { lab.echo({ deep: [[[1]]] }).catch(() => 0); calls += 1 } catch {} } };
    dig();
    for (let i = 0; i < 200; i++) { const climb = (n) => n === 0 ? dig() : climb(n - 1); climb(i) }
    return (await lab.echo({ value: 1 })).value;`,
  limits: { toolCalls: 10_000, cpuMs: 2_000 },
  expect: { result: 1 },
});
