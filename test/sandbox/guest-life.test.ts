/** What a program that ends is told of what it left undone, and where; and how its errors and stacks name its lines. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkerPool, type EngineFailure, type WorkerPool } from "../../sandbox/index.ts";
import { held, type ProgramOptions, resultOf, runProgram, warningsOf } from "../helpers/engine.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const tools = {
  ok: () => 1,
  slow: () => new Promise((resolve) => setTimeout(resolve, 20, 1)),
  fail: ({ why = "no paper" }: { why?: string }): never => {
    throw new Error(why);
  },
  never: () => new Promise<never>(() => undefined),
  ask: () => held,
};
const run = (body: string, more: ProgramOptions = {}) => runProgram(pool, `\n${body}`, { tools, ...more });

async function failureOf(body: string, more: ProgramOptions = {}): Promise<EngineFailure> {
  const { outcome } = await run(body, more);
  if (outcome.type !== "failed") throw new Error(`the program ended as ${outcome.type}`);
  return outcome.failure;
}

describe("a rejection that is handled after all is no remark", () => {
  it.each([
    ["awaited later", "const p = lab.fail({}); await lab.ok({}); try { await p } catch {}"],
    ["caught after a timer", "const p = lab.fail({}); await sleep(5); p.catch(() => 0); await sleep(1)"],
    [
      "all awaited together, one after another",
      "const all = [1, 2, 3].map(() => lab.fail({})); await sleep(5); for (const p of all) try { await p } catch {}",
    ],
    [
      "of the program's own functions",
      "const work = async (why) => { await lab.ok({}); throw new RangeError(why) };\nconst all = ['a', 'b'].map(work); await sleep(5); for (const p of all) await p.catch(() => 0)",
    ],
    [
      "Promise.all after one that failed first",
      "const all = [lab.fail({}), lab.slow({}), lab.fail({ why: 'two' })]; await lab.slow({}); await Promise.all(all).catch(() => 0); await sleep(20)",
    ],
    [
      "Promise.allSettled after a timer",
      "const all = [lab.fail({}), Promise.reject(new Error('own'))]; await sleep(5); await Promise.allSettled(all)",
    ],
    [
      "handed on by an async function",
      "const p = lab.fail({}); await sleep(5); await (async () => p)().catch(() => 0)",
    ],
    ["finally", "const p = lab.fail({}); await sleep(5); await p.finally(() => 0).catch(() => 0)"],
  ])("%s", async (_what, body) => {
    expect(warningsOf(await run(body))).toEqual([]);
  });
});

describe("a rejection that nobody handled", () => {
  it.each([
    ["of a tool", "void lab.fail({});\nawait sleep(5)", ["no paper", "2:10"]],
    [
      "of an async function",
      "const f = async () => { await 0;\n  throw new Error('mine') };\nf(); await sleep(1)",
      ["mine", "3:9"],
    ],
    [
      "in a callback of a timer",
      "setTimeout(async () => {\n  null.x }, 1); await sleep(10)",
      ["reading 'x'", "3:8"],
    ],
    [
      "of one handled and one not",
      "const [p] = [lab.fail({})];\nvoid lab.fail({ why: 'other' }); await sleep(5); await p.catch(() => 0)",
      ["other", "3:10"],
    ],
  ])("is told once, with its line: %s", async (_what, body, [words, place]) => {
    const warnings = warningsOf(await run(body));
    expect(warnings).toEqual([expect.stringContaining(words as string)]);
    expect(warnings[0]).toMatch(new RegExp(`Nothing handled an error: .* @${place}$`));
  });
});

describe("a timer that is armed when the program returns is told, with its line", () => {
  it.each([
    [
      "setTimeout(() => console.log('late'), 50);\nreturn 1",
      /callback never ran\. To wait for it: `await sleep\(ms\)`.* @2:1$/,
    ],
    ["return setTimeout(() => 1, 5)", /^The program returned the number of a timer.* never ran.* @2:8$/],
    ["setImmediate(() => 1); return 2", /callback never ran.* @2:1$/],
    ["setInterval(() => 1, 5); await sleep(12)", /^\(note\) An interval was still armed.* @2:1$/],
    [
      "void sleep(50).then(() => console.log('late')); return 1",
      /^\(note\) A timer that a promise stands on.* @2:6$/,
    ],
    [
      "return await Promise.race([lab.ok({}), new Promise((_, no) => setTimeout(no, 5_000))])",
      /^\(note\) A timer that a promise stands on/,
    ],
  ])("%s", async (body, words) => {
    expect(warningsOf(await run(body))).toEqual([expect.stringMatching(words)]);
  });

  it("and one that has fired or was cleared is not", async () => {
    const body =
      "clearTimeout(setTimeout(() => 1, 9)); const i = setInterval(() => clearInterval(i), 1); await sleep(20)";
    expect(warningsOf(await run(body))).toEqual([]);
  });

  it("as are calls, each with its tool and its place, and how many more there were", async () => {
    const body = "for (let i = 0; i < 7; i++)\n  void lab.never({ i });\nvoid lab.ok({}); return 1";
    const warnings = warningsOf(await run(body));
    expect(warnings).toHaveLength(6);
    expect(warnings[0]).toMatch(/^The call of lab\/never was still open .* Await every call\. @3:12$/);
    expect(warnings[5]).toMatch(/^\d more calls were still open/);
  });
});

describe("a stack", () => {
  const body = `const boom = () => { throw new TypeError("x") };
    const stacks = [];
    try { [1].map(boom) } catch (e) { stacks.push(e.stack) }
    await lab.fail({}).catch((e) => stacks.push(e.stack));
    const later = async () => { await lab.ok({}); throw new RangeError("later") };
    await Promise.all([later()]).catch((e) => stacks.push(e.stack));
    try { setTimeout(1) } catch (e) { stacks.push(e.stack) }
    await import("node:fs").catch((e) => stacks.push(e.stack));
    return stacks`;

  it("has the program's frames and no others", async () => {
    expect(resultOf(await run(body))).toEqual([
      "TypeError: x\n    at boom (program.js:2:28)\n    at Array.map (<anonymous>)\n    at program.js:4:15",
      "ToolError: no paper\n    at program.js:5:15",
      "RangeError: later\n    at later (program.js:6:57)\n    at async Promise.all (index 0)\n    at async program.js:7:5",
      "TypeError: setTimeout needs a function\n    at program.js:8:11",
      "Error: Not supported\n    at program.js:9:5",
    ]);
  });

  it("is the same in every execution", async () => {
    const [first, second] = [await run(body), await run(body)];
    expect(resultOf(second)).toEqual(resultOf(first));
  });

  it("names the places that the program's text came from", async () => {
    const outcome = await pool.run({
      principal: "tester",
      limits: (await import("../../sandbox/index.ts")).defaultLimits,
      program: {
        js: "(async () => {\nconst f = () => { throw new Error('x') };\ntry { f() } catch (e) { console.log(e); throw e }\n})",
        origins: JSON.stringify([2, 1, 10, 5, 3, 1, 20, 1, 3, 40, 30, -7]),
        namespaces: { servers: [], locals: [] },
        input: "null",
        seed: "s",
      },
      host: {
        log: ({ text }) => expect(text).toBe("Error: x at 10:29"),
        call: () => new Promise(() => undefined),
      },
    });
    expect(outcome).toMatchObject({ type: "failed", failure: { line: 10, column: 29 } });
  });

  it("is in the console where the program asks for one", async () => {
    const { logs } = await run("const f = () => console.trace('here', 1);\nf()");
    expect(logs).toEqual([
      { level: "log", text: "Trace: here 1\n    at f (program.js:2:25)\n    at program.js:3:1" },
    ]);
  });
});

describe("a limit tells where the program was", () => {
  const loop = "const spin = () => {\n  for (;;) {} };\nawait lab.ok({});\nspin()";
  it.each<[what: string, body: string, options: ProgramOptions, expected: Partial<EngineFailure>]>([
    ["a loop without end", loop, { limits: { cpuMs: 150 } }, { code: "cpu_timeout", line: 3 }],
    ["a loop that outlives its time", loop, { limits: { wallMs: 150 } }, { code: "wall_timeout", line: 3 }],
    [
      "a tool that does not answer",
      "await lab.ok({});\nawait lab.never({})",
      { limits: { wallMs: 150 } },
      { code: "wall_timeout", line: 3 },
    ],
    [
      "too many calls",
      "for (let i = 0; ; i++)\n  await lab.ok({})",
      { limits: { toolCalls: 3 } },
      { code: "too_many_calls", line: 3, column: 13 },
    ],
    [
      "a promise nobody settles",
      "await lab.ok({});\n\n  await new Promise(() => {})",
      {},
      { code: "pending_forever", line: 4, column: 9 },
    ],
    [
      "one deep inside",
      "const inner = async () => {\n  await lab.ok({});\n  await Promise.withResolvers().promise };\nconst outer = async () => { await inner() };\nawait outer()",
      {},
      { code: "pending_forever", line: 4 },
    ],
    [
      "one among others",
      "const p = (async () => {\n  await new Promise(() => {}) })();\nawait lab.ok({});\nawait Promise.all([p, lab.ok({})])",
      {},
      { code: "pending_forever", line: 3 },
    ],
    [
      "memory",
      "const all = [];\nfor (;;)\n  all.push({ text: [all.length] })",
      { limits: { memoryMb: 32 } },
      { code: "memory_exceeded" },
    ],
  ])("%s", async (_what, body, options, expected) => {
    expect(await failureOf(body, options)).toMatchObject(expected);
  });

  it("and one that cannot be stopped ends in time all the same", async () => {
    const before = performance.now();
    const failure = await failureOf("let n = 10n ** 400_000n; for (;;) String(n)", {
      limits: { cpuMs: 100 },
    });
    expect(failure.code).toBe("cpu_timeout");
    expect(performance.now() - before).toBeLessThan(1_500);
  });
});
