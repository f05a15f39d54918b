/** How a program ends, and what comes after: what it throws and returns, forged failures, late calls, too many calls. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../sandbox/index.ts";
import type { ProgramResult } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";

const MIB = 1024 * 1024;
const { attack, unharmed } = openArena();

const toolsOf = ({ calls }: ProgramResult): string[] => calls.map(({ tool }) => tool);
const failureOf = ({ outcome }: ProgramResult) => (outcome.type === "failed" ? outcome.failure : undefined);

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
