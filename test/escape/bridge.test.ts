/** The bridge between a program and its tools: names, numbers, arguments, answers. */
import { describe, expect, it } from "vitest";
import { defaultLimits, type GuestCall, type Settlement, type WorkerPool } from "../../sandbox/index.ts";
import type { ProgramResult } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";

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
    code: `const names = ["__proto__", "constructor", "hasOwnProperty", "valueOf", "isPrototypeOf", "__defineGetter__", "then"];
      const written = ["toString", "toLocaleString", "toJSON"].map((name) => [lab[name]({ a: 1 }), tools[name]().length]);
      return [names.filter((name) => lab[name] !== undefined || tools[name] !== undefined || tools.lab[name] !== undefined), written]`,
    expect: {
      result: [
        [],
        [
          ["[tools of lab: echo, fail, never]", 32],
          ["[tools of lab: echo, fail, never]", 32],
          [["echo", "fail", "never"], null],
        ],
      ],
    },
    also: (run) => expect(run.calls).toEqual([]),
  });

  attack({
    claim: "symbols are never tools",
    code: `const text = [lab, tools].every((on) => typeof on[Symbol.toPrimitive]("default") === "string");
      const own = [Symbol("echo"), Symbol.for("echo"), ...Object.getOwnPropertyNames(Symbol).map((name) => Symbol[name])];
      const found = own.filter((key) => typeof key === "symbol" && (lab[key] !== undefined || tools[key] !== undefined));
      return [text, found.map(String)]`,
    expect: { result: [true, ["Symbol(Symbol.toPrimitive)"]] },
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

describe("the size of names", () => {
  attack({
    claim: "tool names of megabytes cost the gateway nothing",
    code: "for (let i = 0; i < 40; i++) await lab['x'.repeat(5e6)]({}).catch(() => null); return 'done'",
    expect: { result: "done" },
    also: (run) => expect(Math.max(0, ...toolsOf(run).map(({ length }) => length))).toBeLessThan(4_096),
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
      const failed = [() => [...lab], () => new lab.echo({})].map((f) => { try { f() } catch (e) { return e.name } });
      return [Object.keys({ ...lab }), JSON.stringify(lab), String(lab), lab + 1, failed]`,
    expect: {
      result: [
        ["echo", "fail", "never"],
        '["echo","fail","never"]',
        "[tools of lab: echo, fail, never]",
        "[tools of lab: echo, fail, never]1",
        ["TypeError", "TypeError"],
      ],
    },
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
