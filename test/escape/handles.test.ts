/** Polluted prototypes and replaced builtins: they must give a program no handle of the engine, and the host no lie. */
import { expect } from "vitest";
import { openArena } from "./helpers/arena.ts";

const { attack } = openArena();

/** Everything the engine does for a program, once. */
const useEverything = `
  const answer = await lab.echo({ value: [1, { two: 2 }], text: "é" });
  const failure = await lab.fail({}).catch((error) => error);
  console.log("text", { nested: [1] }, failure, () => 1, Symbol("s"), null);
  setTimeout(() => {}, 0);
  clearTimeout(setTimeout(() => {}, 1_000));
  await sleep(1);
  void [new Date(), crypto.randomUUID()];`;

/** A handle of the engine, wherever it may have come from. */
const isHandle = `
  const handleNames = ["applySync", "applyIgnored", "derefInto", "deref", "copySync", "transferIn", "getSync", "createContextSync"];
  const isHandle = (item) => item !== null && (typeof item === "object" || typeof item === "function") &&
    handleNames.some((name) => { try { return typeof item[name] === "function" } catch { return false } });`;

attack({
  claim: "options that a program pollutes onto Object.prototype make the engine hand out no handle",
  code: `${isHandle}
    const given = [];
    for (const name of ["reference", "externalCopy", "copy", "transferIn", "transferOut", "promise", "async", "sync", "ignored",
      "release", "unsafeInherit", "filename", "cachedData", "inspector", "result", "arguments", "timeout", "__ivm"])
      Object.prototype[name] = true;
    ${useEverything}
    given.push(answer, answer.value, failure, failure.data, lab.echo, input);
    return [given.some(isHandle), answer.value, failure.kind]`,
  expect: { result: [false, [1, { two: 2 }], "tool"] },
});

attack({
  claim: "setters on Object.prototype catch nothing the engine makes",
  code: `${isHandle}
    const caught = [];
    for (const name of ["resolve", "reject", "run", "args", "trace", "server", "tool", "kind", "message", "data", "value", "stack",
      "name", "method", "positional", "toolCalls", "0", "1", "2", "next"])
      Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get: () => undefined,
        set(value) { caught.push(name + (isHandle(value) ? " handle" : "")) } });
    ${useEverything}
    return caught;`,
  expect: { result: [] },
});

attack({
  claim: "getters on Object.prototype for the fields of an error change nothing a program is told",
  code: `let reads = 0;
    for (const name of ["kind", "message", "data", "server", "tool", "positional", "stack", "fault"])
      Object.defineProperty(Object.prototype, name, { __proto__: null, get() { reads += 1; return "forged" }, configurable: true });
    const error = await lab.fail({}).catch((error) => error);
    const own = ["kind", "message", "server", "tool"].map((name) => Object.getOwnPropertyDescriptor(error, name)?.value);
    return { own, data: Object.hasOwn(error, "data") };`,
  expect: { result: { own: ["tool", "the lab failed", "lab", "fail"], data: false } },
});

attack({
  claim: "parts of property descriptors on Object.prototype break no failure, no tool and no name",
  code: `for (const part of ["get", "set"]) Object.defineProperty(Object.prototype, part, { __proto__: null, value: () => "forged", configurable: true });
    const error = await lab.fail({}).catch((error) => error);
    const unknown = await lab.nothing({}).catch((error) => error);
    delete Object.prototype.get;
    delete Object.prototype.set;
    return [error.kind, error.tool, error.stack.split(":")[0], unknown.kind, lab.nothing.name]`,
  expect: { result: ["tool", "fail", "ToolError", "denied", "nothing"] },
});

attack({
  claim: "a polluted data field cannot make a failed call hang",
  code: `Object.prototype.data = { not: "json" };
    return await lab.fail({}).then(() => "settled", (error) => error.kind)`,
  expect: { result: "tool" },
});

attack({
  claim: "functions on Object.prototype are no traps of a namespace",
  code: `const heard = [];
    for (const trap of ["has", "set", "deleteProperty", "ownKeys", "getOwnPropertyDescriptor", "defineProperty", "getPrototypeOf", "setPrototypeOf",
      "isExtensible", "preventExtensions"])
      Object.prototype[trap] = () => { heard.push(trap); throw new Error("trapped") };
    for (const each of [lab, tools, tools.lab, tools.nobody]) {
      for (const use of [() => "echo" in each, () => Object.keys(each), () => { each.x = 1 }, () => delete each.x, () => Object.getPrototypeOf(each)])
        try { use() } catch {}
      Object.isFrozen(each);
    }
    return [heard, (await lab.echo({ value: 1 })).value]`,
  expect: { result: [[], 1] },
});

attack({
  claim: "a then on Object.prototype gets the answer it would get anyway, and the run ends",
  code: `${isHandle}
    const seen = [];
    Object.defineProperty(Object.prototype, "then", {
      configurable: true,
      get() { seen.push(isHandle(this)); return undefined },
    });
    const answer = await lab.echo({ value: 1 });
    await lab.fail({}).catch(() => 0);
    delete Object.prototype.then;
    return [answer, seen.includes(true)]`,
  expect: { result: [{ value: 1 }, false] },
});

attack({
  claim: "a replaced Promise.prototype.then is not what the engine settles calls with",
  code: `const seen = [];
    const real = Promise.prototype.then;
    Promise.prototype.then = function (...args) { seen.push(args.length); return Reflect.apply(real, this, args) };
    Promise.prototype.catch = Promise.prototype.finally = Promise.resolve = Promise.reject = Promise.all = undefined;
    const answer = await lab.echo({ value: 1 });
    console.log("hi");
    await sleep(1);
    return [answer.value, seen]`,
  expect: { result: [1, []] },
  also: ({ logs }) => expect(logs.map((entry) => entry.text)).toEqual(["hi"]),
});

attack({
  claim: "replaced JSON functions see nothing and change nothing",
  code: `const seen = [];
    JSON.parse = (text) => { seen.push(text); return { forged: true } };
    JSON.stringify = (value) => { seen.push(value); return '{"forged":true}' };
    ${useEverything}
    return { seen, answer, message: failure.message }`,
  expect: {
    result: { seen: [], answer: { value: [1, { two: 2 }], text: "é" }, message: "the lab failed" },
  },
  also: ({ calls }) => expect(calls[0]?.args).toBe('{"value":[1,{"two":2}],"text":"é"}'),
});

attack({
  claim: "replaced call, apply and bind see no function of the engine",
  code: `const seen = [];
    for (const name of ["call", "apply", "bind", "toString"]) {
      const real = Object.getPrototypeOf(() => 1)[name];
      Object.getPrototypeOf(() => 1)[name] = function (...args) { seen.push(name); return Reflect.apply(real, this, args) };
    }
    ${useEverything}
    return [seen, answer.text]`,
  expect: { result: [[], "é"] },
});

attack({
  claim: "replaced Reflect, Object, Math and Number functions are not those the engine uses",
  code: `const seen = [];
    for (const [space, of] of Object.entries({ Reflect, Object, Math, Number, Array, String, Symbol, Date }))
      for (const name of Object.getOwnPropertyNames(of)) {
        const property = Object.getOwnPropertyDescriptor(of, name);
        if (typeof property.value !== "function" || !property.writable) continue;
        if (name === "constructor" || name === "getOwnPropertyDescriptor" || name === "getOwnPropertyNames") continue;
        if (of === Object && (name === "entries" || name === "defineProperty")) continue;
        of[name] = () => { seen.push(space + "." + name); return undefined };
      }
    ${useEverything}
    return [seen, answer.value]`,
  expect: { result: [[], [1, { two: 2 }]] },
});

attack({
  claim: "replaced methods of strings, arrays, maps and regular expressions see nothing of the engine",
  code: `const seen = [];
    const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
    const { ownKeys } = Reflect;
    const owners = [String, Array, Map, Set, WeakMap, RegExp, Number, Symbol, Boolean, Date, getPrototypeOf(Uint8Array)];
    for (let i = 0; i < owners.length; i += 1) {
      const { name, prototype } = owners[i];
      const keys = ownKeys(prototype);
      for (let k = 0; k < keys.length; k += 1) {
        const key = keys[k];
        const property = getOwnPropertyDescriptor(prototype, key);
        const spy = function () { seen[seen.length] = name + "." + (typeof key === "string" ? key : "symbol"); return undefined };
        if (key === "constructor" || !property.configurable) continue;
        if (typeof property.value === "function") defineProperty(prototype, key, { __proto__: null, value: spy });
        else if (property.get) defineProperty(prototype, key, { __proto__: null, get: spy });
      }
    }
    ${useEverything}
    await lab.echo({ "odd key": () => 1 }).catch(() => 0);
    console.log({ "odd key": new Map() });
    return [seen, answer.value]`,
  expect: { result: [[], [1, { two: 2 }]] },
});

attack({
  claim: "replaced iterators of arrays are never asked by the engine",
  code: `let asked = 0;
    Object.getPrototypeOf([][Symbol.iterator]()).next = () => { asked += 1; return { done: true } };
    Array.prototype[Symbol.iterator] = function* () { asked += 1 };
    const answer = await lab.echo({ value: [1] });
    console.log([1]);
    await sleep(1);
    return [asked, answer.value]`,
  expect: { result: [0, [1]] },
});

attack({
  claim: "a Symbol.hasInstance on a builtin cannot change how values are written",
  code: `for (const builtin of [Number, String, Boolean, Map, Set, Promise, Error])
      Object.defineProperty(builtin, Symbol.hasInstance, { value: () => true });
    console.log({ plain: true });
    return await lab.echo({ value: [{ plain: true }] })`,
  expect: { result: { value: [{ plain: true }] } },
  also: ({ logs }) => expect(logs.map((entry) => entry.text)).toEqual(['{"plain":true}']),
});

attack({
  claim: "a toJSON on a prototype that all values share is heard once per object, and forges no frame",
  code: `Object.prototype.toJSON = function () { return undefined };
    Array.prototype.toJSON = String.prototype.toJSON = function () { return '"],["done","forged"]' };
    const failure = await lab.fail({}).catch((error) => error);
    console.log("log");
    delete Object.prototype.toJSON;
    delete Array.prototype.toJSON;
    return [failure.kind, "mine"]`,
  expect: { result: ["tool", "mine"] },
});

attack({
  claim: "a polluted toJSON cannot rewrite the report of a failure that was not caught",
  code: "Object.prototype.toJSON = () => undefined; await lab.fail({})",
  expect: { ends: "guest_error" },
  also: ({ outcome }) =>
    expect(outcome).toMatchObject({ failure: { tool: { server: "lab", tool: "fail", kind: "tool" } } }),
});

attack({
  claim: "an error whose kind was rewritten ends the run as the program's own failure",
  code: "try { await lab.fail({}) } catch (error) { error.kind = 'no such kind'; error.server = {}; throw error }",
  expect: { ends: "guest_error" },
});

attack({
  claim: "a ToolError that the program made itself ends the run as the program's own failure",
  code: "throw new ToolError('mine')",
  expect: { ends: "guest_error" },
});

attack({
  claim: "a program can't put a class of its own between a tool's failure and Error",
  code: `const heard = [];
    class Mine { constructor(...args) { heard.push(args.length) } }
    const changed = [Reflect.setPrototypeOf(ToolError, Mine), Reflect.set(ToolError, "captureStackTrace", () => heard.push("trace"))];
    Error.captureStackTrace = () => heard.push("trace");
    const error = await lab.fail({}).catch((error) => error);
    return [heard, changed, error instanceof ToolError, error.message]`,
  expect: { result: [[], [false, false], true, "the lab failed"] },
});

attack({
  claim: "a toJSON that calls tools itself sends every call once, in a sequence the host accepts",
  code: `const inner = [];
    const answer = await lab.echo({ value: { toJSON() { inner.push(lab.echo({ inner: true })); return "outer" } } });
    return [answer.value, (await inner[0]).inner]`,
  expect: { result: ["outer", true] },
});

attack({
  claim: "a getter that arms timers while a timer is armed cannot pass the limit of timers",
  code: `let depth = 0;
    const delay = { valueOf() { depth += 1; if (depth < 1_500) setTimeout(() => {}, delay); return 1e6 } };
    try { setTimeout(() => {}, delay) } catch (error) { return error.name }
    return "armed"`,
  expect: { result: "RangeError" },
});

attack({
  claim: "arguments are read once: what a getter shows is what is sent",
  code: `let reads = 0;
    await lab.echo({ get path() { reads += 1; return reads === 1 ? "allowed" : "forbidden" } });
    return reads`,
  expect: { result: 1 },
  also: ({ calls }) => expect(calls.map((call) => call.args)).toEqual(['{"path":"allowed"}']),
});

attack({
  claim: "a proxy as arguments or result is read once and gets no receiver but itself",
  code: `const traps = [];
    const watch = (target) => { const proxy = new Proxy(target, new Proxy({}, { get: (_, trap) => (...args) => {
      traps.push(trap); const receiver = trap === "get" ? args[2] : proxy;
      if (receiver !== proxy) traps.push("other receiver");
      return Reflect[trap](...args) } })); return proxy };
    const answer = await lab.echo(watch({ value: 1 }));
    return [answer.value, traps.filter((trap) => trap === "ownKeys").length, traps.includes("set"), traps.includes("other receiver")]`,
  expect: { result: [1, 1, false, false] },
});

attack({
  claim: "a thrown proxy that throws from every trap ends the run as a failure without details",
  code: `throw new Proxy(() => 1, new Proxy({}, { get() { throw new Error("trap") } }))`,
  expect: { ends: "guest_error" },
});

attack({
  claim: "a revoked proxy, thrown, logged, sent and returned, harms nothing",
  code: `const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    console.log(proxy);
    const sent = await lab.echo({ proxy }).catch((error) => error.kind);
    try { throw proxy } catch {}
    console.log(sent);
    return proxy`,
  expect: { ends: ["not_serializable", "guest_error"] },
  also: ({ logs }) => expect(logs.at(-1)?.text).toBe("invalid_arguments"),
});

attack({
  claim: "a thenable that resolves to itself for ever ends at the CPU limit",
  code: "const again = { then(resolve) { resolve(again) } }; return again",
  limits: { cpuMs: 50 },
  expect: { ends: "cpu_timeout" },
});

attack({
  claim: "a result whose toJSON calls tools after the end is a result, and the late calls are only warned of",
  code: "return { toJSON() { lab.echo({ late: true }); return 'done' } }",
  expect: { result: "done" },
});

attack({
  claim: "overwritten globals change the program's own world only",
  code: `for (const name of ["Promise", "JSON", "Object", "Array", "Error", "Reflect", "Proxy", "Math", "String", "RangeError", "TypeError", "Date"])
      globalThis[name] = undefined;
    const answer = await lab.echo({ value: 1 });
    console.log("hi", { a: 1 });
    await sleep(1);
    const kind = await lab.fail({}).catch((error) => error.kind);
    let refused;
    try { setTimeout("x") } catch (error) { refused = error.message }
    return [answer.value, kind, refused]`,
  expect: { result: [1, "tool", "setTimeout needs a function"] },
});

attack({
  claim:
    "a __proto__ key in an answer sets no prototype, and polluted prototypes make its removal neither hang nor recur",
  code: `Object.prototype.loop = {};
    Object.prototype.loop.again = Object.prototype.loop;
    const answer = await lab.poison({});
    delete Object.prototype.loop;
    return [{ ...answer }.admin ?? null, Object.assign({}, answer.deep).admin ?? null, answer.kept]`,
  tools: {
    poison: () => JSON.parse('{"__proto__":{"admin":true},"deep":{"__proto__":{"admin":true}},"kept":1}'),
  },
  expect: { result: [null, null, 1] },
});

attack({
  claim: "setters for numbers keep no __proto__ key in an answer, and swallow no timer",
  code: `for (const holder of [Object.prototype, Array.prototype]) for (let i = 0; i < 9; i++)
      Object.defineProperty(holder, i, { configurable: true, get: () => undefined, set() {} });
    await sleep(0);
    const answer = await lab.poison({});
    return [Object.hasOwn(answer, "__proto__"), Object.hasOwn(answer.deep.deeper, "__proto__")]`,
  tools: {
    poison: () => JSON.parse('{"__proto__":{"admin":true},"deep":{"deeper":{"__proto__":{"admin":true}}}}'),
  },
  expect: { result: [false, false] },
});

attack({
  claim: "a property on Array.prototype fills no missing argument of a call",
  code: `Object.defineProperty(Array.prototype, "0", { get: () => ({ forged: true }), set() {}, configurable: true });
    return await lab.echo()`,
  expect: { result: {} },
});
