/** What one run leaves behind for the next, or shows to one beside it: nothing. */
import { afterEach, describe, expect, it } from "vitest";
import {
  createWorkerPool,
  defaultLimits,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../../sandbox/index.ts";
import { codeOf, type ProgramOptions, resultOf, runProgram } from "../helpers/engine.ts";
import { until } from "../helpers/until.ts";
import { labTools, openArena } from "./helpers/arena.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";

const SECRET = "canary of another run";

const { unharmed } = openArena();

/** In one worker and of one principal, where a leak would be likeliest. */
async function oneAfterTheOther(
  first: string,
  second: string,
  options: ProgramOptions = {},
): Promise<unknown> {
  return unharmed(async (pool) => {
    const given = { input: SECRET, tools: labTools(), ...options };
    const one = await runProgram(pool, first, given);
    const { pids } = pool.stats();
    const two = await runProgram(pool, second, { ...given, input: null });
    expect(pool.stats().pids).toEqual(pids);
    expect(codeOf(one)).toBe("completed");
    expect(JSON.stringify([two.outcome, two.logs, two.calls])).not.toContain(SECRET);
    return resultOf(two);
  });
}

describe("after a run", () => {
  it("its globals are gone", async () => {
    const result = await oneAfterTheOther(
      "globalThis.secret = input; var hoisted = input; leaked = input; globalThis[Symbol.for('secret')] = input",
      "return [typeof secret, typeof hoisted, typeof leaked, typeof globalThis[Symbol.for('secret')]]",
    );
    expect(result).toEqual(Array(4).fill("undefined"));
  });

  it("what it did to prototypes and builtins is gone", async () => {
    const result = await oneAfterTheOther(
      `Object.prototype.secret = input; Array.prototype.map = () => [input]; JSON.parse = () => input; Math.random = () => input;
       String.prototype.toString = () => input; Promise.prototype.then = function () { return input }; Error.prototype.secret = input;
       Object.getPrototypeOf(lab.echo).secret = input; ToolError.prototype.secret = input`,
      `return [{}.secret ?? null, [1].map((x) => x + 1), JSON.parse("2"), typeof Math.random(), String("s"), new Error("e").secret ?? null,
         lab.echo.secret ?? null, ToolError.prototype.secret ?? null]`,
    );
    expect(result).toEqual([null, [2], 2, "number", "s", null, null, null]);
  });

  it("the last match of its regular expressions, its error hooks and its formats are gone", async () => {
    const result = await oneAfterTheOther(
      "/(.*)/.exec(input); Error.stackTraceLimit = 0; Error.prepareStackTrace = () => input; Intl.DateTimeFormat.prototype.format = null",
      `return [RegExp.$1, RegExp.lastMatch, RegExp["$&"], Error.stackTraceLimit > 0, String(Error.prepareStackTrace).includes("input"), new Error("e").stack.includes("program.js")]`,
    );
    expect(result).toEqual(["", "", "", true, false, true]);
  });

  it("its timers never fire", async () => {
    const fired: number[] = [];
    await unharmed(async (pool) => {
      const program = {
        js: "(async () => { for (let i = 0; i < 500; i++) setTimeout(() => lab.echo({ late: true }), 10 + (i % 20)); return 1 })",
        namespaces: { servers: [{ name: "lab", global: "lab", tools: [] }], locals: [] },
        input: "null",
        seed: "",
      };
      const calls: string[] = [];
      const host = {
        log: () => undefined,
        timer: ({ n }: { n: number }) => {
          fired.push(n);
          return undefined;
        },
        call: async ({ tool }: { tool: string }) => {
          calls.push(tool);
          return { type: "value", value: "1" } as const;
        },
      };
      const outcome = await pool.run({ principal: "tester", limits: defaultLimits, program, host });
      expect(outcome).toMatchObject({ type: "completed", result: "1" });
      const next = await runProgram(pool, "await sleep(60); return 'slept'");
      expect(resultOf(next)).toBe("slept");
      expect(calls).toEqual([]);
      return next;
    });
    expect(fired).toEqual([]);
  });

  it("an answer to its call that comes late is for nobody", async () => {
    const late = Promise.withResolvers<string>();
    await unharmed(async (pool) => {
      const tools = { slow: () => late.promise, echo: (args: never) => args };
      const one = await runProgram(pool, "lab.slow({}); return 1", { tools });
      expect(resultOf(one)).toBe(1);
      const two = runProgram(pool, "const mine = lab.echo({ mine: 1 }); await sleep(30); return await mine", {
        tools,
      });
      late.resolve(SECRET);
      expect(resultOf(await two)).toEqual({ mine: 1 });
      return two;
    });
  });

  it("the counts of its calls, timers, logs and bytes start again", async () => {
    const result = await oneAfterTheOther(
      `for (let i = 0; i < 250; i++) await lab.echo({ i });
       for (let i = 0; i < 990; i++) setTimeout(() => {}, 1e6);
       for (let i = 0; i < 990; i++) console.log("line")`,
      `const timers = []; for (let i = 0; i < 1_000; i++) timers.push(setTimeout(() => {}, 1e6));
       timers.forEach(clearTimeout);
       for (let i = 0; i < 256; i++) await lab.echo({ i });
       for (let i = 0; i < 1_000; i++) console.log("line");
       return timers[0]`,
    );
    expect(result).toBe(1_000_001);
  });

  it("its clock and its chance are gone: an equal run is equal wherever it comes", async () => {
    const body =
      "return [Math.random(), crypto.randomUUID(), Math.random(), await lab.echo({}) && Math.random(), Math.random.toString().length]";
    await unharmed(async (pool) => {
      const results: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        results.push(resultOf(await runProgram(pool, body, { seed: "equal", tools: labTools() })));
        await runProgram(
          pool,
          `for (let i = 0; i < ${i * 7}; i++) Math.random(); return crypto.randomUUID()`,
          { seed: `${i}` },
        );
      }
      expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
      return results;
    });
  });

  it("the dummy run that heats an isolate has left nothing a program could find", async () => {
    const body = `const names = Object.getOwnPropertyNames(globalThis).sort();
      const n = setTimeout(() => {}, 1e6); clearTimeout(n);
      return { n, names, own: Reflect.ownKeys(Object.prototype).length, lab: Object.keys(lab), first: Math.random(), warm: JSON.stringify(names).includes("warm") }`;
    await unharmed(async (pool) => {
      const runs = await Promise.all(
        Array.from({ length: 10 }, () => runProgram(pool, body, { tools: labTools() })),
      );
      const results = runs.map(resultOf);
      expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
      expect(results[0]).toMatchObject({ n: 1_000_001, warm: false, lab: ["echo", "fail", "never"] });
      expect(runs.every(({ logs, calls }) => logs.length === 0 && calls.length === 0)).toBe(true);
      return runs;
    });
  });

  it("a run that failed, ran out of time or was cancelled leaves as little as one that returned", async () => {
    await unharmed(async (pool) => {
      const poison =
        "globalThis.secret = input; Object.prototype.secret = input; setTimeout(() => lab.echo({ late: input }), 5);";
      const options = { input: SECRET, tools: labTools() };
      const abort = new AbortController();
      const ends = [
        runProgram(pool, `${poison} throw new Error("failed")`, options),
        runProgram(pool, `${poison} for (;;);`, { ...options, limits: { cpuMs: 50 } }),
        runProgram(pool, `${poison} await lab.never({})`, { ...options, limits: { wallMs: 50 } }),
        runProgram(pool, `${poison} abort = await lab.stop({}); await lab.never({})`, {
          ...options,
          signal: abort.signal,
          tools: { ...labTools(), stop: () => abort.abort() },
        }),
      ];
      expect((await Promise.all(ends)).map(codeOf)).toEqual([
        "guest_error",
        "cpu_timeout",
        "wall_timeout",
        "cancelled",
      ]);
      const next = await runProgram(
        pool,
        "await sleep(20); return [typeof secret, {}.secret ?? null, input]",
        { input: "mine" },
      );
      expect(resultOf(next)).toEqual(["undefined", null, "mine"]);
      return next;
    });
  });
});

describe("beside a run", () => {
  let pool: WorkerPool | undefined;
  afterEach(async () => {
    await pool?.[Symbol.asyncDispose]();
    pool = undefined;
  });
  async function open(options: WorkerPoolOptions): Promise<WorkerPool> {
    pool = await createWorkerPool({ workers: 1, ...options });
    return pool;
  }

  it("eight runs in one worker, all at once, see only their own input, globals, answers, chance and console", async () => {
    const workers = await open({ runsPerWorker: 8 });
    const gate = Promise.withResolvers<string>();
    let arrived = 0;
    const wait = ({ me }: { me: string }): Promise<string> => {
      arrived += 1;
      return gate.promise.then(() => `answer to ${me}`);
    };
    const body = `globalThis.mine = (globalThis.mine ?? "") + input; Object.prototype.mine = input; console.log(input);
      const chance = Math.random();
      const answer = await lab.wait({ me: input });
      await sleep(1);
      return [input, globalThis.mine, {}.mine, answer, chance, Math.random()]`;
    const names = Array.from({ length: 8 }, (_, i) => `run ${i}`);
    const runs = names.map((name) => runProgram(workers, body, { input: name, seed: name, tools: { wait } }));
    await until("all eight run", () => arrived === 8);
    expect(workers.stats().runs.running).toBe(8);
    gate.resolve("");
    const done = await Promise.all(runs);
    for (const [i, run] of done.entries()) {
      const [input, own, inherited, answer] = resultOf(run) as unknown[];
      expect([input, own, inherited, answer]).toEqual([
        names[i],
        names[i],
        names[i],
        `answer to ${names[i]}`,
      ]);
      expect(run.logs).toEqual([{ level: "log", text: names[i] }]);
    }
    const alone = await runProgram(workers, body, { input: "run 3", seed: "run 3", tools: { wait } });
    expect(resultOf(alone)).toEqual(resultOf(done[3] ?? alone));
  });

  it("a program that knows the numbers of others' calls and timers can't touch them", async () => {
    const workers = await open({ runsPerWorker: 8 });
    const slow = Promise.withResolvers<string>();
    let asked = false;
    const victim = runProgram(
      workers,
      "const timer = sleep(80).then(() => 'slept'); return [await lab.slow({}), await timer]",
      {
        tools: {
          slow: () => {
            asked = true;
            return slow.promise;
          },
        },
      },
    );
    await until("the victim waits", () => asked);
    const attacker = await runProgram(
      workers,
      "for (let n = -5; n < 500; n++) clearTimeout(n); return await lab.echo({ n: 1, value: 'forged' })",
      { tools: labTools() },
    );
    expect(codeOf(attacker)).toBe("completed");
    slow.resolve("real");
    expect(resultOf(await victim)).toEqual(["real", "slept"]);
  });

  it("principals that take turns on one worker's place find nothing of each other", async () => {
    const workers = await open({});
    const body = `const found = [];
      for (const key of Reflect.ownKeys(globalThis)) { const value = globalThis[key]; if (typeof value === "string") found.push(value) }
      globalThis.left = input; Object.prototype.left = input; /(.*)/.exec(input); console.log(input);
      return [found, RegExp.input === input]`;
    for (const principal of ["ann", "bob", "cyn", "ann"]) {
      const secret = `canary of ${principal}`;
      const run = await runProgram(workers, body, { principal, input: secret });
      expect(resultOf(run)).toEqual([[secret], true]);
      expect(run.logs).toEqual([{ level: "log", text: secret }]);
      expectNothingLeaked(run);
    }
  });
});
