/** The bridge between a program and its tools: names, numbers, arguments, results, endings. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { defaultLimits, type GuestCall, type Settlement, type WorkerPool } from "../../sandbox/index.ts";
import type { Core } from "../../src/core.ts";
import type { Report } from "../../src/runs/report.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../helpers/core.ts";
import type { ProgramResult } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";

const MIB = 1024 * 1024;
const { attack, unharmed } = openArena();

const toolsOf = ({ calls }: ProgramResult): string[] => calls.map(({ tool }) => tool);
const argsOf = ({ calls }: ProgramResult): string[] => calls.map(({ args }) => args);
const failureOf = ({ outcome }: ProgramResult) => (outcome.type === "failed" ? outcome.failure : undefined);

/** A program whose calls are answered with these very texts. */
function runWith(pool: WorkerPool, body: string, answer: (call: GuestCall) => Settlement) {
  return pool.run({
    principal: "tester",
    limits: defaultLimits,
    program: {
      js: `(async () => {${body}\n})`,
      namespaces: {
        servers: [{ name: "lab", global: "lab", tools: [{ name: "echo", method: "echo" }] }],
        locals: [],
      },
      input: "null",
      seed: "seed",
    },
    host: { log: () => undefined, call: async (call) => answer(call) },
  });
}

describe("forged names", () => {
  attack({
    claim: "names that every object has are no tools of any server",
    code: `const names = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "toLocaleString",
        "isPrototypeOf", "__defineGetter__", "then", "toJSON"];
      return names.filter((name) => lab[name] !== undefined || tools[name] !== undefined || tools.lab[name] !== undefined)`,
    expect: { result: [] },
    also: (run) => expect(run.calls).toEqual([]),
  });

  attack({
    claim: "symbols are never tools",
    code: `const own = [Symbol("echo"), Symbol.for("echo"), ...Object.getOwnPropertyNames(Symbol).map((name) => Symbol[name])];
      return own.filter((key) => typeof key === "symbol" && (lab[key] !== undefined || tools[key] !== undefined)).length`,
    expect: { result: 0 },
    also: (run) => expect(run.calls).toEqual([]),
  });

  const odd = ["Echo", "echo ", " echo", "echo\0", "еcho", "echo\u200b", "echo\u0301", "lab/echo", "/echo"];
  odd.push("../lab/echo", "echo/", "lab__echo", "echo\n", "echo\u2028", "", "0", "[object Object]", "ｅcho");
  attack({
    claim: "a name that only looks like a tool's reaches the host letter by letter and is refused there",
    code: "const kinds = []; for (const name of input) await lab[name]({}).catch(({ kind }) => kinds.push(kind)); return kinds",
    input: odd,
    expect: { result: odd.map(() => "denied") },
    also: (run) => expect(toolsOf(run)).toEqual(odd),
  });

  const servers = ["Lab", "lаb", "lab\0", "lab/", "lab/echo", "", "lab ", "0", "local"];
  attack({
    claim: "a server that only looks like one is asked for under the name the program wrote",
    code: "for (const server of input) await tools[server].echo({}).catch(() => null)",
    input: servers,
    expect: { result: null },
    also: (run) => expect(run.calls.map(({ server }) => server)).toEqual(servers),
  });

  attack({
    claim: "a name that is not a string is one before the host sees it, and is read once",
    code: `let n = 0;
      const name = { toString() { n += 1; return n === 1 ? "fail" : "echo" } };
      return await lab[name]({ a: 1 }).catch(({ tool }) => tool)`,
    expect: { result: "fail" },
    also: (run) => expect(toolsOf(run)).toEqual(["fail"]),
  });
});

describe("namespaces", () => {
  attack({
    claim: "namespaces, tools and the console cannot be changed, extended or replaced",
    code: `const targets = [lab, tools, tools.lab, lab.echo, console, console.log, setTimeout, sleep];
      const tries = [
        (on) => Reflect.set(on, "echo", () => "mine"), (on) => Reflect.set(on, "fresh", 1),
        (on) => Reflect.defineProperty(on, "echo", { value: 1 }), (on) => Reflect.deleteProperty(on, "echo") && "echo" in on,
        (on) => Reflect.setPrototypeOf(on, { echo: 1 }), (on) => Reflect.isExtensible(on),
        (on) => Reflect.defineProperty(on, Symbol.toPrimitive, { value: () => "x" }),
      ];
      const globals = ["lab", "tools", "console", "sleep", "setTimeout", "ToolError", "input"].filter((name) =>
        Reflect.set(globalThis, name, 1) || Reflect.deleteProperty(globalThis, name) || Reflect.defineProperty(globalThis, name, { value: 1 }));
      const changed = targets.flatMap((on, i) => tries.flatMap((attempt, j) => (attempt(on) ? [[i, j]] : [])));
      return [changed, globals, await lab.echo({ still: 1 })]`,
    expect: { result: [[], [], { still: 1 }] },
  });

  attack({
    claim: "awaiting a namespace does not hang and calls nothing",
    code: "const all = await Promise.all([lab, tools, tools.lab, tools.nobody, await tools]); return all.map((each) => typeof each)",
    expect: { result: ["object", "object", "object", "object", "object"] },
    also: (run) => expect(run.calls).toEqual([]),
  });

  attack({
    claim: "a namespace can be spread, printed and turned into text without calling a tool",
    code: `console.log(lab, tools, lab.echo);
      const failed = [() => String(lab), () => lab + 1, () => [...lab], () => new lab.echo({})].map((f) => { try { f() } catch (e) { return e.name } });
      return [Object.keys({ ...lab }), JSON.stringify(lab), failed]`,
    expect: { result: [["echo", "fail", "never"], "{}", Array(4).fill("TypeError")] },
    also: (run) => expect(run.calls).toEqual([]),
  });
});

describe("what the bridge needs of the language", () => {
  attack({
    claim: "replacing every builtin the bridge could use neither stops it nor lets the program listen",
    code: `const { ownKeys, set, getOwnPropertyDescriptor } = Reflect;
      let heard = 0;
      const trap = function () { heard += 1; throw new Error("trapped") };
      const holders = [JSON, Reflect, Object, Array, Array.prototype, String.prototype, Number, Math, Promise, Promise.prototype,
        Object.getPrototypeOf(() => 1), Error, Object.prototype, Symbol.prototype];
      for (const holder of holders) { const keys = ownKeys(holder); for (let i = 0; i < keys.length; i++) {
        if (keys[i] === "constructor" || keys[i] === "prototype" || keys[i] === "__proto__" || keys[i] === "toJSON") continue;
        if (typeof getOwnPropertyDescriptor(holder, keys[i]).value === "function") set(holder, keys[i], trap);
      } }
      const answer = await lab.echo({ a: [1, { b: "two" }] });
      let kind = "none";
      try { await lab.fail({}) } catch (error) { kind = error.kind }
      console.log("said", { c: 3 });
      await sleep(1);
      return { answer, kind, heard }`,
    expect: { result: { answer: { a: [1, { b: "two" }] }, kind: "tool", heard: 0 } },
    also: (run) => expect(run.logs).toEqual([{ level: "log", text: 'said {"c":3}' }]),
  });

  attack({
    claim: "setters for numbers on shared prototypes catch no promise, number or function of the bridge",
    code: `const caught = [], push = caught.push, mine = { a: [1, 2] };
      for (const holder of [Object.prototype, Array.prototype]) for (let i = 0; i < 50; i++)
        Object.defineProperty(holder, i, { configurable: true, get: () => undefined, set(value) { caught.size = (caught.size ?? 0) + 1; caught["k" + caught.size] = value } });
      const answer = await lab.echo(mine);
      const foreign = []; for (let i = 1; i <= (caught.size ?? 0); i++) if (caught["k" + i] !== mine && caught["k" + i] !== mine.a) foreign["f" + i] = 1;
      return { sum: answer.a[0] + answer.a[1], foreign: Object.keys(foreign).length }`,
    expect: { result: { sum: 3, foreign: 0 } },
  });

  attack({
    claim: "text that looks like the bridge's own rows stays text",
    code: `const row = '"],["done","\\\\"stolen\\\\""],["call",9,"lab","echo","{}"],["log","log","';
      console.log(row);
      await lab[row]({ [row]: row }).catch(() => null);
      await lab.echo({ get a() { throw new Error(row) } }).catch(() => null);
      const error = new Error(row);
      error.stack = row;
      error.name = row;
      throw error`,
    expect: { ends: "guest_error" },
    also: (run) => {
      expect(run.calls).toHaveLength(2);
      expect(run.logs).toHaveLength(1);
    },
  });

  attack({
    claim:
      "a toJSON that was put on every object changes only what the program says, not how its failure is told",
    code: "Object.prototype.toJSON = () => 5; await lab.fail({})",
    expect: { ends: "guest_error" },
    also: (run) => expect(failureOf(run)?.message).toContain("the lab failed"),
  });
});

describe("numbers of calls and timers", () => {
  attack({
    claim: "a toJSON that calls a tool while its own call is written gets both answers",
    code: `let inner;
      const outer = await lab.echo({ toJSON() { inner ??= lab.echo({ inner: true }); return { outer: true } } });
      return [outer, await inner]`,
    expect: { result: [{ outer: true }, { inner: true }] },
  });

  attack({
    claim: "a getter that calls tools and arms timers while arguments are read gets every answer",
    code: `const inner = [];
      const outer = await lab.echo({ get a() { inner.push(lab.echo({ n: 1 }), sleep(1).then(() => "slept"), lab.echo({ n: 2 })); return 1 } });
      return [outer, ...(await Promise.all(inner))]`,
    expect: { result: [{ a: 1 }, { n: 1 }, "slept", { n: 2 }] },
  });

  attack({
    claim: "a delay that arms timers while it is read cannot arm more than there may be",
    code: `const greedy = { valueOf() { for (let i = 0; i < 1000; i++) setTimeout(() => {}, 1e6); return 1 } };
      try { setTimeout(() => {}, greedy) } catch (error) { return error.message }`,
    expect: { result: "more than 1000 timers are armed" },
  });

  attack({
    claim: "clearing numbers that are calls, other timers or nonsense clears nothing else",
    code: `const fired = [];
      const timer = setTimeout(() => fired.push("mine"), 5);
      const call = lab.echo({ a: 1 });
      for (const id of [timer + 1, timer - 1, 0, -1, NaN, 1e300, "1", null, {}, Symbol.iterator, [timer]]) clearTimeout(id);
      const answer = await call;
      await sleep(20);
      return [answer, fired]`,
    expect: { result: [{ a: 1 }, ["mine"]] },
  });
});

describe("arguments", () => {
  attack({
    claim: "arguments are read once: what a getter answers later is never sent",
    code: "let n = 0; return await lab.echo({ get a() { return ++n }, list: [{ toJSON: () => ++n }] })",
    expect: { result: { a: 1, list: [2] } },
    also: (run) => expect(argsOf(run)).toEqual(['{"a":1,"list":[2]}']),
  });

  attack({
    claim: "arguments changed after the call are sent as they were at the call",
    code: "const args = { a: [1] }; const call = lab.echo(args); args.a.push(2); args.b = 3; return await call",
    expect: { result: { a: [1] } },
  });

  attack({
    claim: "numbers that JSON does not have are sent as JSON writes them",
    code: "return await lab.echo({ a: -0, b: NaN, c: 1e400, d: -Infinity, e: 5e-324, f: 2 ** 53 + 2 })",
    expect: { result: { a: 0, b: null, c: null, d: null, e: 5e-324, f: 9007199254740994 } },
    also: (run) =>
      expect(argsOf(run)).toEqual(['{"a":0,"b":null,"c":null,"d":null,"e":5e-324,"f":9007199254740994}']),
  });

  attack({
    claim: "arguments that cannot be read reject that call only",
    code: `const revoked = Proxy.revocable({}, {}); revoked.revoke();
      const loop = {}; loop.loop = loop;
      let deep = 1; for (let i = 0; i < 10_000; i++) deep = [deep];
      const args = [revoked.proxy, { revoked: revoked.proxy }, new Proxy({}, { ownKeys() { throw 1 } }), new Proxy({}, { get() { throw new Error("no") } }),
        { get a() { throw null } }, { toJSON() { throw Symbol("x") } }, loop, { deep }, { big: 1n }, { f() {} }, new Map([[1, 2]]), { p: Promise.resolve() }];
      const kinds = await Promise.all(args.map((each) => lab.echo(each).then(() => "sent", ({ kind }) => kind)));
      return [kinds, await lab.echo({ after: 1 })]`,
    expect: { result: [Array(12).fill("invalid_arguments"), { after: 1 }] },
  });

  attack({
    claim: "words about unreadable arguments are bounded, whoever wrote them",
    code: `const call = lab.echo({ get a() { throw { message: "é".repeat(8e6) } } });
      return await call.catch(({ kind, message }) => [kind, message.length < 5_000])`,
    expect: { result: ["invalid_arguments", true] },
  });

  attack({
    claim: "an endless array made by a Proxy ends the run that sends it",
    code: "await lab.echo({ list: new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 32 : 1) }) })",
    limits: { cpuMs: 1_000, memoryMb: 16 },
    expect: { ends: ["memory_exceeded", "cpu_timeout"] },
    also: (run) => expect(run.calls).toEqual([]),
  });

  attack({
    claim: "arguments of exactly the limit are sent, one byte more is refused, counted in UTF-8",
    code: `const at = (bytes) => ({ a: "é".repeat((bytes - 8) / 2) });
      const kinds = [await lab.echo(at(1000)).then(() => "sent")];
      for (const args of [at(1002), { a: at(1000).a + "x" }, { a: "\\u2028".repeat(400) }]) kinds.push(await lab.echo(args).catch(({ kind }) => kind));
      return kinds`,
    limits: { toolArgsBytes: 1_000 },
    expect: { result: ["sent", "too_large", "too_large", "too_large"] },
    also: (run) => expect(argsOf(run).slice(1)).toEqual(["null", "null", "null"]),
  });

  attack({
    claim: "arguments at their limit come through whole, eight at once",
    code: `const text = '"\\\\\\n'.repeat(100_000);
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => lab.echo({ i, text })));
      return answers.every((answer, i) => answer.i === i && answer.text === text)`,
    expect: { result: true },
  });
});

describe("prototypes in transit", () => {
  attack({
    claim: "a __proto__ key in arguments and answers becomes nobody's prototype",
    code: `const { nested, admin } = await lab.echo(JSON.parse('{"__proto__":{"admin":true},"nested":{"__proto__":{"admin":true},"b":1}}'));
      const copied = Object.assign({}, nested);
      return [admin ?? null, copied.admin ?? null, Object.keys(nested), Object.getPrototypeOf(nested) === Object.prototype, {}.admin ?? null]`,
    expect: { result: [null, null, ["b"], true, null] },
  });

  it("a __proto__ key spelled with escapes is dropped from a tool's answer too", async () => {
    const outcome = await unharmed((pool) =>
      runWith(
        pool,
        "const a = await lab.echo({}); return [Object.keys(a), ({ ...a }).admin ?? null, Object.keys(a.list[0])]",
        () => ({
          type: "value",
          value:
            '{"\\u005f_proto__":{"admin":true},"_\\u005Fproto\\u005f_":{"admin":true},"list":[{"__\\u0070roto__":{"x":1},"y":2}]}',
        }),
      ),
    );
    expect(outcome).toMatchObject({ type: "completed", result: '[["list"],null,["y"]]' });
  });

  it("an answer nested a hundred thousand levels deep settles its call, hostile keys and all", async () => {
    const value = `${"[".repeat(100_000)}{"__proto__":{"admin":true}}${"]".repeat(100_000)}`;
    const body =
      "return await Promise.race([lab.echo({}).then(() => 'settled', () => 'settled'), sleep(2000).then(() => 'lost')])";
    const outcome = await unharmed((pool) => runWith(pool, body, () => ({ type: "value", value })));
    expect(outcome).toMatchObject({ type: "completed", result: '"settled"' });
  });
});

describe("what a program may throw", () => {
  const exotic: readonly (readonly [what: string, code: string])[] = [
    [
      "a Proxy whose traps throw",
      "throw new Proxy({}, { get() { throw 1 }, has() { throw 1 }, getPrototypeOf() { throw 1 }, ownKeys() { throw 1 } })",
    ],
    ["a revoked Proxy", "const r = Proxy.revocable(function () {}, {}); r.revoke(); throw r.proxy"],
    [
      "an error whose message, name and stack throw",
      "const e = new Error('x'); for (const key of ['message', 'name', 'stack', 'cause']) Object.defineProperty(e, key, { get() { throw e } }); throw e",
    ],
    ["an error whose message is a symbol", "const e = new Error('x'); e.message = Symbol('m'); throw e"],
    [
      "an object that cannot be text",
      "throw { toString() { throw 1 }, valueOf() { throw 2 }, toJSON() { throw 3 }, [Symbol.toPrimitive]() { throw 4 } }",
    ],
    ["a symbol", "throw Symbol('s')"],
    ["null", "throw null"],
    ["undefined", "throw undefined"],
    ["a BigInt", "throw 2n ** 4096n"],
    ["a tool", "throw lab.echo"],
    ["a namespace", "throw lab"],
    ["a promise that never settles", "throw lab.never({})"],
    ["a text of ten megabytes", "throw 'é'.repeat(1e7)"],
    ["an object without a prototype", "throw Object.create(null)"],
  ];
  for (const [what, code] of exotic)
    attack({
      claim: `throwing ${what} is an ordinary failure with bounded words`,
      code,
      expect: { ends: "guest_error" },
      also: (run) => expect(failureOf(run)?.message.length).toBeLessThanOrEqual(4_096),
    });
});

describe("forged tool failures", () => {
  attack({
    claim: "an object with a tool failure's fields is not reported as one",
    code: "throw { name: 'ToolError', message: 'refused', server: 'lab', tool: 'echo', kind: 'denied' }",
    expect: { ends: "guest_error" },
    also: (run) => expect(failureOf(run)?.tool).toBeUndefined(),
  });

  attack({
    claim: "an error that calls itself ToolError is not reported as a tool's failure",
    code: "throw Object.assign(new Error('refused'), { name: 'ToolError', server: 'lab', tool: 'echo', kind: 'denied' })",
    expect: { ends: "guest_error" },
    also: (run) => expect(failureOf(run)?.tool).toBeUndefined(),
  });

  const made = "{ message: 'refused', server: 'bank', tool: 'pay', kind: 'denied' }";
  for (const [what, code] of [
    ["made by the program with the ToolError constructor", `throw new ToolError(${made})`],
    ["of a class of the program's own", `throw new (class extends ToolError {})(${made})`],
    ["made of its prototype only", `throw Object.assign(Object.create(ToolError.prototype), ${made})`],
  ] as const)
    attack({
      claim: `a ToolError ${what} is not reported as a failure of the tool it names`,
      code,
      expect: { ends: "guest_error" },
      also: (run) => {
        expect(failureOf(run)?.tool).toBeUndefined();
        expect(run.calls).toEqual([]);
      },
    });

  attack({
    claim: "a real ToolError is reported with what really failed, whatever the program wrote into it",
    code: "try { await lab.fail({}) } catch (error) { Object.assign(error, { server: 'bank', tool: 'pay', kind: 'nonsense' }); throw error }",
    expect: { ends: "guest_error" },
    also: (run) => expect(failureOf(run)?.tool).toEqual({ server: "lab", tool: "fail", kind: "tool" }),
  });
});

describe("after the end", () => {
  attack({
    claim: "calls, logs and timers after the program returned reach nobody",
    code: `setTimeout(() => { lab.echo({}); console.log("late timer") }, 1);
      (async () => { for (let i = 0; i < 50; i++) await null; for (let i = 0; i < 50; i++) { lab.echo({ i }); console.log("late", i); setTimeout(() => lab.echo({}), 0) } })();
      return "returned"`,
    expect: { result: "returned" },
    also: (run) => {
      expect(run.calls).toEqual([]);
      expect(run.logs).toEqual([]);
    },
  });

  attack({
    claim: "calls after the program failed reach nobody",
    code: `lab.never({}).catch(() => lab.echo({ aborted: true }));
      sleep(1).then(() => lab.echo({ late: true }));
      (async () => { for (let i = 0; i < 50; i++) await null; await lab.echo({ later: true }) })();
      throw new Error("over")`,
    expect: { ends: "guest_error" },
    also: (run) => expect(toolsOf(run)).toEqual(["never"]),
  });

  attack({
    claim: "a program that goes on computing after it returned is stopped like any other",
    code: "(async () => { for (;;) await null })(); return 1",
    limits: { cpuMs: 200 },
    expect: { ends: "cpu_timeout" },
  });

  attack({
    claim: "the first answer of a thenable result counts, and calls it makes are told as left open",
    code: "return { then(resolve) { resolve(1); resolve(2); lab.never({}); throw new Error('no') } }",
    expect: { result: 1 },
    also: (run) => expect(run.outcome.warnings).toHaveLength(1),
  });
});

describe("how many calls", () => {
  attack({
    claim: "ten thousand calls at once end the run at its limit, and no call beyond it is sent",
    code: "await Promise.allSettled(Array.from({ length: 10_000 }, (_, i) => lab.echo({ i })))",
    expect: { ends: "too_many_calls" },
    also: (run) => expect(run.calls.length).toBeLessThanOrEqual(256),
  });

  attack({
    claim: "the limit of calls cannot be caught, raced or waited out",
    code: "for (;;) { try { await Promise.race([lab.echo({}), sleep(50)]) } catch { } }",
    limits: { toolCalls: 20 },
    expect: { ends: "too_many_calls" },
    also: (run) => expect(run.calls.length).toBeLessThanOrEqual(20),
  });

  it("ten thousand calls at once under a raised limit are all answered, and never more than allowed are in flight", async () => {
    let inFlight = 0;
    let most = 0;
    const outcome = await unharmed((pool) =>
      pool.run({
        principal: "tester",
        limits: { ...defaultLimits, toolCalls: 10_000, toolCallsInFlight: 16 },
        program: {
          js: `(async () => (await Promise.all(Array.from({ length: 10_000 }, (_, i) => lab.echo({ i })))).reduce((sum, { i }) => sum + i, 0))`,
          namespaces: { servers: [{ name: "lab", global: "lab", tools: [] }], locals: [] },
          input: "null",
          seed: "seed",
        },
        host: {
          log: () => undefined,
          async call({ args }) {
            inFlight += 1;
            most = Math.max(most, inFlight);
            await new Promise(setImmediate);
            inFlight -= 1;
            return { type: "value", value: args };
          },
        },
      }),
    );
    expect(outcome).toMatchObject({ type: "completed", result: "49995000" });
    expect(most).toBe(16);
  });
});

describe("results", () => {
  attack({
    claim: "a result of exactly the limit is returned whole",
    code: "return 'x'.repeat(1024 * 1024 - 2)",
    expect: { result: "x".repeat(MIB - 2) },
  });

  attack({
    claim: "a result of one byte more is refused",
    code: "return 'x'.repeat(1024 * 1024 - 1)",
    expect: { ends: "result_too_large" },
  });

  attack({
    claim: "a result of characters that JSON writes longer is measured as written",
    code: "return '\\u0001'.repeat(200_000)",
    expect: { ends: "result_too_large" },
  });

  attack({
    claim: "a failure right after a burst of output is told as it is",
    code: "for (let i = 0; i < 300; i++) console.log('x'.repeat(1_000)); throw new RangeError('after the burst')",
    limits: { logBytes: MIB },
    expect: { ends: "guest_error" },
    also: (run) => expect(failureOf(run)?.message).toBe("RangeError: after the burst"),
  });

  attack({
    claim: "a result whose reading calls tools and prints is returned, and its call is told as left open",
    code: "return { toJSON() { lab.never({}); console.log('reading'); return { read: true } } }",
    expect: { result: { read: true } },
    also: (run) => expect(run.outcome.warnings).toHaveLength(1),
  });
});

describe("the size of names", () => {
  attack({
    claim: "tool names of megabytes cost the gateway nothing",
    code: "for (let i = 0; i < 40; i++) await lab['x'.repeat(5e6)]({}).catch(() => null); return 'done'",
    expect: { result: "done" },
    also: (run) => expect(Math.max(0, ...toolsOf(run).map(({ length }) => length))).toBeLessThan(4_096),
  });
});

describe("through the gate", () => {
  const read = echoTool("read", { readOnly: true });
  const hidden = echoTool("hidden");
  const deep = defineTool({
    name: "deep",
    description: "Answers with something nested too deeply.",
    input: { type: "object" },
    readOnly: true,
    execute: () => JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
  });
  const readOnlyLayer = {
    rule: "tools.allow",
    allow: ["local/read", "local/deep"],
    deployment: true,
  } as const;

  let core: Core;
  beforeAll(async () => {
    core = await openCore([read.tool, hidden.tool, deep]);
  });
  afterEach(async () => {
    read.seen.length = 0;
    const { pids } = core.pool.stats();
    const honest = await run("return await read({ value: [1, 2] })");
    expect(honest).toMatchObject({ status: "completed", result: [1, 2] });
    expect(core.pool.stats().pids).toEqual(expect.arrayContaining([...pids]));
    expect(hidden.seen).toEqual([]);
    read.seen.length = 0;
  });
  afterAll(() => core[Symbol.asyncDispose]());

  async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
    const request = programRequest(code, { typecheck: "off", policy: { layers: [readOnlyLayer] }, ...more });
    const report = await (await core.runner.start(request)).done;
    expectNothingLeaked(report);
    return report;
  }

  it("no spelling of a tool outside the set reaches it", async () => {
    const report = await run(
      `const spellings = [["local", "hidden"], ["local", "Hidden"], ["local", "hidden\\0"], ["local", "hidden "], ["local", "/hidden"], ["local/", "hidden"],
         ["", "local/hidden"], ["local/hidden", ""], ["local", "read/../hidden"], ["local", "hi\\u0501den"], ["local", "hid\\u200bden"], ["LOCAL", "hidden"],
         ["local\\0", "hidden"], ["local", "local__hidden"], ["local", "%68idden"], ["local", "hidden\\nread"]];
       const kinds = [];
       for (const [server, tool] of spellings) kinds.push(await tools[server][tool]({}).then(() => "RAN", ({ kind }) => kind));
       return kinds.filter((kind) => kind !== "denied" && kind !== "unknown_tool")`,
    );
    expect(report).toMatchObject({ status: "completed", result: [] });
    expect(report.calls.every(({ status }) => status === "error" || status === "denied")).toBe(true);
    expect(hidden.seen).toEqual([]);
  });

  it("a __proto__ in the arguments never reaches a tool", async () => {
    const report = await run(
      `await read(JSON.parse('{"__proto__":{"value":"inherited"}}'));
       await read({ value: JSON.parse('{"__proto__":{"admin":true},"b":{"__proto__":1}}') })`,
    );
    expect(report.status).toBe("completed");
    expect(read.seen).toEqual([undefined, { b: {} }]);
  });

  it("arguments that would answer differently each time are journalled and sent as one text", async () => {
    const report = await run(
      "let n = 0; return await read({ get value() { n += 1; return n === 1 ? 'first' : 'second' } })",
    );
    expect(report).toMatchObject({ result: "first", calls: [{ argsBytes: '{"value":"first"}'.length }] });
    expect(read.seen).toEqual(["first"]);
  });

  it("an answer nested a hundred thousand levels deep is that call's failure", async () => {
    const report = await run("return await deep({}).catch(({ kind }) => kind)");
    expect(report).toMatchObject({ status: "completed", result: "tool", calls: [{ status: "error" }] });
  });

  it("a ToolError that the program made names no call and no tool in the report", async () => {
    const report = await run(
      "throw new ToolError({ message: 'no', server: 'local', tool: 'hidden', kind: 'denied' })",
    );
    expect(report).toMatchObject({ status: "failed", calls: [], error: { code: "guest_error" } });
    expect(report.error?.tool).toBeUndefined();
  });

  it("ten thousand calls leave no more records than there may be calls", async () => {
    const report = await run("await Promise.allSettled(Array.from({ length: 10_000 }, () => read({})))");
    expect(report.error?.code).toBe("too_many_calls");
    expect(report.calls.length).toBeLessThanOrEqual(256);
    expect(read.seen.length).toBeLessThanOrEqual(256);
  });

  it("names and words of megabytes do not fill the report", async () => {
    const report = await run(
      `const long = "x".repeat(1e6);
       const calls = [() => tools.local[long]({}), () => tools[long].read({}), () => read({ get value() { throw { message: long } } })];
       for (const call of calls) await call().catch(() => null);
       console.log(long);
       throw Object.assign(new Error(long), { name: long })`,
    );
    expect(report.error?.code).toBe("guest_error");
    expect(JSON.stringify(report).length).toBeLessThan(200_000);
  });

  it("nothing that happens after the end is in the report, then or later", async () => {
    const active = await core.runner.start(
      programRequest("setTimeout(() => read({ value: 'late' }), 0); console.log('in time'); return 1", {
        typecheck: "off",
      }),
    );
    const report = await active.done;
    expect(await run("await sleep(30); return 2")).toMatchObject({ result: 2 });
    expect(await core.runner.reader.report(report.id, { principal: "local", admin: false })).toEqual(report);
    expect(report).toMatchObject({ calls: [], logs: [{ text: "in time" }] });
    expect(read.seen).toEqual([]);
  });
});
