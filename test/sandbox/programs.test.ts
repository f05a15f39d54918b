import { getEventListeners } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkerPool, defaultLimits, type Settlement, type WorkerPool } from "../../sandbox/index.ts";
import { codeOf, held, resultOf, runProgram, warningsOf } from "../helpers/engine.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 2 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const add = ({ a, b }: { a: number; b: number }): number => a + b;

describe("a program", () => {
  it("runs on the Node.js that the project brings", () => {
    expect(process.version).toMatch(/^v2[46]\./);
  });

  it("returns its value as JSON", async () => {
    const run = await runProgram(
      pool,
      "return { list: [1, 'two', null, undefined], gone: undefined, at: new Date(0) }",
    );
    expect(resultOf(run)).toEqual({ list: [1, "two", null, null], at: "1970-01-01T00:00:00.000Z" });
  });

  it("returns null when it returns nothing", async () => {
    expect(resultOf(await runProgram(pool, "1 + 1"))).toBeNull();
  });

  it("calls tools and gets their results as values", async () => {
    const run = await runProgram(pool, "return (await lab.add({ a: 1, b: 2 })) * 10", { tools: { add } });
    expect(resultOf(run)).toBe(30);
    expect(run.calls.map(({ server, tool, args }) => `${server}/${tool} ${args}`)).toEqual([
      'lab/add {"a":1,"b":2}',
    ]);
  });

  it("returns results of any size up to the limit, beside output and calls", async () => {
    for (const size of [262_000, 262_144, 524_288, 1_048_574]) {
      const run = await runProgram(pool, `console.log("x".repeat(60_000)); return "y".repeat(${size})`);
      expect(run.outcome.type).toBe("completed");
      expect(String(resultOf(run))).toHaveLength(size);
    }
    const args = await runProgram(pool, "return (await lab.size({ text: 'z'.repeat(1_000_000) }))", {
      tools: { size: ({ text }: { text: string }) => text.length },
    });
    expect(resultOf(args)).toBe(1_000_000);
  });

  it("finds its input as a global", async () => {
    expect(resultOf(await runProgram(pool, "return input.name", { input: { name: "Ada" } }))).toBe("Ada");
  });

  it("has ten tools in flight at once, not one after the other", async () => {
    let open = 0;
    let most = 0;
    const { promise: allOpen, resolve } = Promise.withResolvers<void>();
    const slow = async (): Promise<number> => {
      open += 1;
      most = Math.max(most, open);
      if (open === 10) resolve();
      await allOpen;
      return most;
    };
    const body = "return (await Promise.all(Array.from({ length: 10 }, () => lab.slow()))).length";
    expect(resultOf(await runProgram(pool, body, { tools: { slow } }))).toBe(10);
    expect(most).toBe(10);
  });

  it("can catch a tool's failure, which says which tool and why", async () => {
    const body = `try { await lab.broken({}) } catch (error) {
      return [error.name, error.message, error.server, error.tool, error.kind, error instanceof ToolError, error instanceof Error]
    }`;
    const broken = (): never => {
      throw new Error("no paper");
    };
    expect(resultOf(await runProgram(pool, body, { tools: { broken } }))).toEqual([
      "ToolError",
      "no paper",
      "lab",
      "broken",
      "tool",
      true,
      true,
    ]);
  });

  it("that does not catch a tool's failure fails where it made the call", async () => {
    const { outcome } = await runProgram(pool, "const x = 1;\n  await lab.missing({});");
    expect(outcome).toMatchObject({
      type: "failed",
      failure: {
        code: "guest_error",
        message: "ToolError: missing is not allowed",
        line: 2,
        column: 13,
        tool: { server: "lab", tool: "missing", kind: "denied" },
      },
    });
  });

  it("that throws fails with name, message and position", async () => {
    const { outcome } = await runProgram(pool, "const f = () => { throw new RangeError('too far') };\nf();");
    expect(outcome).toMatchObject({
      failure: { code: "guest_error", message: "RangeError: too far", line: 1, column: 39 },
    });
  });

  it("that is no program fails with the words of the engine, and with no place of it", async () => {
    const { outcome } = await runProgram(pool, "return ]");
    expect(outcome).toMatchObject({ failure: { code: "guest_error", message: "Unexpected token ']'" } });
  });

  it("may throw anything, readable or not", async () => {
    expect(resultOf(await runProgram(pool, "throw { code: 7 }"))).toBe('guest_error: Thrown: {"code":7}');
    const trap = "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })";
    expect(codeOf(await runProgram(pool, trap))).toBe("guest_error");
    const getters =
      "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e";
    expect(codeOf(await runProgram(pool, getters))).toBe("guest_error");
  });

  it("prints to the console, several arguments joined by a blank", async () => {
    const { logs } = await runProgram(
      pool,
      "console.log('a', 1, { b: [2] }, null, undefined); console.error(new TypeError('t'))",
    );
    expect(logs).toEqual([
      { level: "log", text: 'a 1 {"b":[2]} null undefined' },
      { level: "error", text: "TypeError: t at 1:79" },
    ]);
  });

  it("sleeps, sets timers and clears them", async () => {
    const body = `const seen = [];
      setTimeout((tag) => seen.push(tag), 5, "late");
      clearTimeout(setTimeout(() => seen.push("never"), 1));
      await sleep(20);
      return seen`;
    expect(resultOf(await runProgram(pool, body))).toEqual(["late"]);
  });

  it("that waits for nothing ends at once instead of at its deadline", async () => {
    expect(codeOf(await runProgram(pool, "await new Promise(() => {})"))).toBe("pending_forever");
    expect(
      codeOf(
        await runProgram(
          pool,
          "const t = setTimeout(() => {}, 1e6); clearTimeout(t); await new Promise(() => {})",
        ),
      ),
    ).toBe("pending_forever");
  });

  it("parks when all it waits for is a person", async () => {
    const run = await runProgram(pool, "return await Promise.all([lab.ask({}), lab.add({ a: 1, b: 1 })])", {
      tools: { add, ask: () => held },
    });
    expect(run.outcome.type).toBe("parked");
    expect(run.calls).toHaveLength(2);
  });

  it("does not park while a timer is armed", async () => {
    const body = "return await Promise.race([lab.ask({}), sleep(10).then(() => 'timer')])";
    expect(resultOf(await runProgram(pool, body, { tools: { ask: () => held } }))).toBe("timer");
  });

  it("that returns with calls open has them aborted, and is told", async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<string>();
    const never = (_: never, signal: AbortSignal): Promise<never> =>
      new Promise(() => signal.addEventListener("abort", () => resolve("aborted")));
    const run = await runProgram(pool, "lab.never({}); return 1", { tools: { never } });
    expect(resultOf(run)).toBe(1);
    expect(warningsOf(run)).toEqual([
      "The call of lab/never was still open when the program returned: its result is lost, and what was not done yet was cancelled. Await every call. @1:19",
    ]);
    expect(await aborted).toBe("aborted");
  });

  it("is told of a promise that was rejected while nothing handled it", async () => {
    const broken = (): never => {
      throw new Error("no paper");
    };
    const body = "lab.broken({}); await lab.add({ a: 1, b: 1 }); await sleep(1); return 1";
    const run = await runProgram(pool, body, { tools: { broken, add } });
    expect(resultOf(run)).toBe(1);
    expect(warningsOf(run)).toEqual([
      "Nothing handled an error: no paper. Await every promise, and catch in callbacks. @1:19",
    ]);
    const handled = await runProgram(pool, "try { await lab.broken({}) } catch {} return 1", {
      tools: { broken },
    });
    expect(handled.outcome.warnings).toEqual([]);
  });

  it("can be cancelled from outside", async () => {
    const abort = new AbortController();
    const run = runProgram(pool, "await lab.go({}); for (;;) await sleep(1)", {
      tools: { go: () => abort.abort() },
      signal: abort.signal,
    });
    expect(codeOf(await run)).toBe("cancelled");
    expect(resultOf(await runProgram(pool, "return 'still serving'"))).toBe("still serving");
  });
});

describe("the host of a run", () => {
  const program = (body: string) => ({
    js: `(async () => {${body}})`,
    namespaces: { servers: [{ name: "lab", global: "lab", tools: [] }], locals: [] },
    input: "null",
    seed: "seed",
  });

  it("that rejects, which it must not, says nothing of itself to the program", async () => {
    const outcome = await pool.run({
      principal: "tester",
      limits: defaultLimits,
      program: program("return await lab.x({}).catch(({ kind, message }) => [kind, message])"),
      host: { log: () => undefined, call: () => Promise.reject(new Error("password in /etc/gateway")) },
    });
    expect(outcome).toMatchObject({ result: '["tool","The call failed in the gateway."]' });
  });

  it("is asked to deliver nothing after the end", async () => {
    const slow = Promise.withResolvers<Settlement>();
    const delivered: number[] = [];
    const outcome = await pool.run({
      principal: "tester",
      limits: defaultLimits,
      program: program("void lab.x({}); return 1"),
      host: { log: () => undefined, call: () => slow.promise, deliver: (n) => void delivered.push(n) },
    });
    slow.resolve({ type: "value", value: "1" });
    expect(outcome.type).toBe("completed");
    expect(resultOf(await runProgram(pool, "await sleep(1); return 'next'"))).toBe("next");
    expect(delivered).toEqual([]);
  });
});

describe("a signal", () => {
  it("that was given before has the run cancelled before it begins", async () => {
    const tools = { add };
    const run = await runProgram(pool, "return await lab.add({ a: 1, b: 1 })", {
      tools,
      signal: AbortSignal.abort(),
    });
    expect(codeOf(run)).toBe("cancelled");
    expect(run.calls).toEqual([]);
  });

  it("of many runs keeps nothing of those that have ended", async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await runProgram(pool, "return 1", { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("what can be returned", () => {
  it.each([
    ["a BigInt", "return { n: [1n] }", "result.n[0] is a BigInt (use Number(x) or String(x))"],
    ["a function", "return { 'odd key': () => 1 }", 'result["odd key"] is a function'],
    ["a class", "return class A {}", "result is a class"],
    ["a symbol", "return [Symbol('s')]", "result[0] is a symbol"],
    ["a Map", "return { m: new Map() }", "result.m is a Map (use Object.fromEntries(map))"],
    ["a Set", "return new Set([1])", "result is a Set (use [...set])"],
    ["a generator", "return (function* () {})()", "result is a generator (use [...generator])"],
    ["a promise inside", "return { p: Promise.resolve(1) }", "result.p is a Promise (await it)"],
    ["a cycle", "const a = { b: {} }; a.b.c = a; return a", "result.b.c is a cycle"],
  ])("not %s, and the error says where", async (_what, body, words) => {
    expect(resultOf(await runProgram(pool, body))).toBe(
      `not_serializable: The returned value cannot be written as JSON: ${words}.`,
    );
  });

  it("not something nested more than 200 levels deep", async () => {
    const nest = (depth: number): string => `let x = 1; for (let i = 0; i < ${depth}; i++) x = [x]; return x`;
    expect(codeOf(await runProgram(pool, nest(200)))).toBe("completed");
    expect(codeOf(await runProgram(pool, nest(201)))).toBe("not_serializable");
  });

  it("not something whose reading throws, and the service goes on", async () => {
    const body = "return { get a() { throw new Error('sorry') } }";
    expect(resultOf(await runProgram(pool, body))).toContain("could not be read: sorry");
  });

  it("is read once: a getter can't change its mind", async () => {
    const body = "let n = 0; return { get a() { n += 1; return n === 1 ? 'first' : () => 1 } }";
    expect(resultOf(await runProgram(pool, body))).toEqual({ a: "first" });
  });
});

describe("time and chance", () => {
  it("come from the run's seed and its journal, so that equal runs are equal", async () => {
    const body = "return [Math.random(), Math.random(), crypto.randomUUID()]";
    const first = resultOf(await runProgram(pool, body, { seed: "a" }));
    expect(resultOf(await runProgram(pool, body, { seed: "a" }))).toEqual(first);
    expect(resultOf(await runProgram(pool, body, { seed: "b" }))).not.toEqual(first);
  });

  it("time stands still while the program computes, but a polling loop ends", async () => {
    const body =
      "const t = Date.now(); let n = 0; while (Date.now() < t + 2) n++; return n > 100 && n < 5000";
    expect(resultOf(await runProgram(pool, body))).toBe(true);
  });

  it("the time zone is UTC and formatting without a date uses the run's clock", async () => {
    const body = `const f = new Intl.DateTimeFormat("en-US", { dateStyle: "short", timeStyle: "long" });
      return [f.resolvedOptions().timeZone, f.format() === f.format(new Date()), new Date().getTimezoneOffset()]`;
    expect(resultOf(await runProgram(pool, body))).toEqual(["UTC", true, 0]);
  });
});
