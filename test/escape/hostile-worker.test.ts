/**
 * The gateway against a worker process that somebody has taken over. Processes of ours stand where workers should;
 * the gateway drops them, ends or repeats only what ran there, and goes on.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createWorkerPool, PoolRefusal, type WorkerPool } from "../../sandbox/index.ts";
import { startWorkerProcess } from "../../sandbox/pool/worker-process.ts";
import { codeOf, type ProgramOptions, type ProgramResult, resultOf, runProgram } from "../helpers/engine.ts";
import { until } from "../helpers/until.ts";
import { labTools } from "./helpers/arena.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";
import { isAlive } from "./helpers/processes.ts";
import { slack } from "./helpers/slack.ts";

const chooser = fileURLToPath(new URL("../fixtures/hostile-workers/choose.sh", import.meta.url));
/** Of runs in these workers that end at their deadline. */
const WALL_MS = 400;
/** Of all others: far enough away that nothing but the run itself ends it, on any machine. */
const PATIENT_MS = 20_000;
const PROMISED_MS = 500;
/** Nobody else may wait longer for the gateway's thread. */
const LONGEST_BLOCK_MS = 250;
const GROWTH_BYTES = 160 * 1024 * 1024;
const HONEST = "return (await lab.echo({ word: input.word })).word";

let folder: string;

/** @param which The number of the process that is an impostor; the others are real workers. */
async function open(greeting: string, which: number | "all"): Promise<WorkerPool> {
  folder = mkdtempSync(join(tmpdir(), "hostile-"));
  const wrapper = ["/bin/sh", chooser, process.execPath, greeting, String(which), folder];
  return createWorkerPool({ workers: 1, wrapper });
}

async function close(pool: WorkerPool | undefined): Promise<void> {
  await pool?.[Symbol.asyncDispose]();
  // A process that was still starting may write its number meanwhile.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

const processesStarted = (): number => readdirSync(folder).filter((name) => /^\d+$/.test(name)).length;

function honest(pool: WorkerPool, options: ProgramOptions = {}): Promise<ProgramResult> {
  return runProgram(pool, HONEST, { input: { word: "honest" }, tools: labTools(), ...options });
}

interface Strain {
  readonly blockedMs: number;
  readonly grownBytes: number;
}

/** How long the thread of this process was held up meanwhile, and how far it grew. */
async function measure<T>(act: () => Promise<T>): Promise<readonly [T, Strain]> {
  const before = process.memoryUsage.rss();
  let last = threadCpuMs();
  let blockedMs = 0;
  let most = before;
  const tick = (): void => {
    // The clock would count what the machine did meanwhile for others.
    const now = threadCpuMs();
    blockedMs = Math.max(blockedMs, now - last);
    last = now;
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(tick, 5);
  const value = await act();
  // A long task may have ended the act before the interval could tell.
  await new Promise((resolve) => setTimeout(resolve, 10));
  clearInterval(timer);
  tick();
  return [value, { blockedMs, grownBytes: most - before }];
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

describe("a process that does not become a worker", () => {
  let pool: WorkerPool | undefined;
  beforeEach(() => {
    pool = undefined;
  });
  afterEach(() => close(pool));

  it.each([
    ["exits at once", /ended with code 7/],
    ["speaks garbage", /a frame is larger than allowed|it was ended/],
    ["announces a frame of four gigabytes", /a frame is larger than allowed|it was ended/],
    ["is ready without saying who it is", /ready lacks its fields|it was ended/],
    ["is ready a negative number of bytes large", /ready lacks its fields|it was ended/],
    ["complains at length and exits", /ended with code 1; it said: [^\n]{1,2000}$/],
  ])("because it %s is refused at the start, at once and with the reason", async (greeting, reason) => {
    const start = performance.now();
    const refusal = await open(greeting, "all").then(
      (opened) => {
        pool = opened;
      },
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(PoolRefusal);
    expect(refusal).toMatchObject({ code: "engine_missing", message: expect.stringMatching(reason) });
    expect(performance.now() - start).toBeLessThan(2_000 * slack());
  });

  it("because it says nothing holds up neither the others nor the end of the pool", async () => {
    const processes = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
    await until("earlier processes have gone", () => processes() === 0);
    pool = await open("says nothing", 1);
    expect(resultOf(await honest(pool))).toBe("honest");
    await until("the silent one was started", () => processesStarted() === 2);
    await pool[Symbol.asyncDispose]();
    await until("no process is left", () => processes() === 0, 1_000);
  });

  it("because it never says that it is ready is given up, and is gone", async () => {
    folder = mkdtempSync(join(tmpdir(), "hostile-"));
    const wrapper = ["/bin/sh", chooser, process.execPath, "says nothing", "all", folder];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const events = { message: () => undefined, died: () => undefined };
      const { signal } = new AbortController();
      const starting = startWorkerProcess({ wrapper, slotMemoryMb: 8, signal }, events);
      const refused = expect(starting).rejects.toThrow("it did not answer within 120000 ms");
      vi.advanceTimersByTime(120_000);
      await refused;
    } finally {
      vi.useRealTimers();
    }
  });

  it("because it dies as soon as it is ready is started again with growing pauses, not in a storm", async () => {
    pool = await open("dies as soon as it is ready", "all").catch(() => undefined);
    const pauses = (): readonly number[] => {
      const starts = readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs);
      return starts
        .sort((one, other) => one - other)
        .flatMap((at, i) => (i === 0 ? [] : [at - (starts[i - 1] ?? at)]));
    };
    await until("a pause of seconds", () => pauses().some((pause) => pause > 2_500), 15_000);
    expect(pauses().length, pauses().join(" ")).toBeLessThan(15);
  });
});

describe("a worker that is taken over", () => {
  let pool: WorkerPool;
  beforeAll(async () => {
    pool = await open("seems honest", "all");
  });
  beforeEach(() => until("both workers are up", () => pool.stats().workers.ready === 2));
  afterAll(() => close(pool));

  /** Runs one program where it will be betrayed, and asserts that the gateway hardly noticed. */
  async function betray(behaviour: string, once = false, wallMs = PATIENT_MS): Promise<ProgramResult> {
    const start = performance.now();
    const input = { word: "honest", behaviour, once };
    const limits = { wallMs: Math.ceil(wallMs * slack()) };
    const [run, strain] = await measure(() => honest(pool, { input, limits }));
    expect(performance.now() - start, "time until the run had ended").toBeLessThan(
      (wallMs + PROMISED_MS) * slack(),
    );
    expect(strain.blockedMs, "time the gateway was held up").toBeLessThan(LONGEST_BLOCK_MS * slack());
    expect(strain.grownBytes, "growth of the gateway in bytes").toBeLessThan(GROWTH_BYTES);
    expectNothingLeaked(run);
    expect(resultOf(await honest(pool, { input: { word: "next" } }))).toBe("next");
    return run;
  }

  /** The same, and the worker that did it is gone and replaced. */
  async function betrayAndDrop(behaviour: string, once = false, wallMs = PATIENT_MS): Promise<ProgramResult> {
    const present = pool.stats().pids;
    const run = await betray(behaviour, once, wallMs);
    await until("the impostor has gone", () => !present.every(isAlive));
    await until("there is another", () => pool.stats().workers.ready === 2);
    return run;
  }

  it.each([
    "speaks garbage",
    "announces a frame of four gigabytes",
    "speaks garbage and ignores requests to end",
    "sends a header that is no object",
    "sends a header of brackets only",
    "says ready twice",
    "sends a type nobody knows",
    "claims negative CPU time",
    "exits in the middle of a run",
    "kills itself in the middle of a run",
  ])("and %s is dropped, and its run is done by another", async (behaviour) => {
    const run = await betrayAndDrop(behaviour, true);
    expect(resultOf(run)).toBe("honest");
    expect(run.calls).toHaveLength(1);
  });

  it.each([
    "acknowledges what was never sent",
    "acknowledges twice",
    "acknowledges ahead",
    "calls out of sequence",
    "uses a number twice",
    "calls with a number that is none",
    "posts what is not JSON",
    "posts what is no list",
    "posts a row nobody knows",
    "posts a failure nobody knows",
    "arms more timers than a program can",
    "returns what is not JSON",
    "returns a million nested lists",
    "posts ten million nested lists",
    "posts two million rows at once",
  ])("and %s in the name of a run ends that run as engine_crashed", async (behaviour) => {
    const run = await betrayAndDrop(behaviour);
    expect(codeOf(run)).toBe("engine_crashed");
    expect(run.calls).toEqual([]);
  });

  it.each([
    "answers nothing",
    "sends half a frame and stops",
    "floods stderr",
    "floods the console",
    "floods with messages nobody needs",
    "arms and clears timers without end",
  ])("and %s is gone at the run's deadline, having cost neither time nor memory", async (behaviour) => {
    const run = await betrayAndDrop(behaviour, false, WALL_MS);
    expect(["wall_timeout", "engine_crashed", "memory_exceeded"]).toContain(codeOf(run));
    expect(run.logs.length).toBeLessThanOrEqual(1_001);
  });

  it("and dies of every run ends that run as engine_crashed", async () => {
    expect(codeOf(await betrayAndDrop("exits in the middle of a run"))).toBe("engine_crashed");
  });

  it("and arms and clears more timers than a run may is dropped long before the run's deadline", async () => {
    const run = await betrayAndDrop("arms and clears more timers than a run may");
    expect(codeOf(run)).toBe("engine_crashed");
  });

  it("and does not repeat what its run asked before ends that run as diverged, and calls nothing again", async () => {
    const run = await betrayAndDrop("remembers another past each time");
    expect(codeOf(run)).toBe("diverged");
    expect(run.calls).toHaveLength(1);
  });

  it("and calls more often than it may ends that run as too_many_calls, with no call too many", async () => {
    const run = await betray("calls more often than it may");
    expect(codeOf(run)).toBe("too_many_calls");
    expect(run.calls.length).toBeLessThanOrEqual(256);
    expect(run.outcome.usage.toolCalls).toBe(256);
  });

  it("and sends arguments larger than it may has that call refused, and they go nowhere", async () => {
    const run = await betray("sends arguments larger than it may");
    expect(resultOf(run)).toBeNull();
    expect(run.calls).toMatchObject([{ args: "null", fault: { kind: "too_large" } }]);
  });

  it("and returns more than the limit ends that run as result_too_large", async () => {
    expect(codeOf(await betray("returns more than the limit"))).toBe("result_too_large");
  });

  it("and goes on after it returned is not heard", async () => {
    const run = await betray("goes on after it returned");
    expect(resultOf(run)).toBe("first");
    expect(run).toMatchObject({ calls: [], logs: [] });
  });

  it("and never says that it stopped is killed after a moment", async () => {
    expect(resultOf(await betrayAndDrop("never says that it stopped"))).toBe("over");
  });

  it("and says that everything stopped, asked or not, changes nothing", async () => {
    expect(resultOf(await betray("says that everything stopped"))).toBe("still here");
  });
});

describe("beside a worker that is taken over", () => {
  let pool: WorkerPool | undefined;
  afterEach(() => close(pool));

  it("runs of others are not reached by frames in the name of their leases", async () => {
    const workers = await open("seems honest", 1);
    pool = workers;
    const gate = Promise.withResolvers<string>();
    let waiting = 0;
    const wait = (): Promise<string> => {
      waiting += 1;
      return gate.promise;
    };
    const victims = Array.from({ length: 4 }, (_, i) =>
      runProgram(workers, "console.log(input); return [input, await lab.wait({})]", {
        input: `canary of victim ${i}`,
        principal: "victim",
        tools: { wait },
      }),
    );
    await until("the victims wait", () => waiting === 4);
    await until("the impostor is ready", () => workers.stats().workers.ready === 2);
    const attacker = await honest(workers, {
      input: { behaviour: "speaks for leases that are not its own" },
      principal: "attacker",
      limits: { wallMs: WALL_MS },
    });
    expect(codeOf(attacker)).toBe("wall_timeout");
    gate.resolve("open");
    const runs = await Promise.all(victims);
    expect(runs.map(resultOf)).toEqual([0, 1, 2, 3].map((i) => [`canary of victim ${i}`, "open"]));
    for (const [i, { logs, calls }] of runs.entries()) {
      expect(logs).toEqual([{ level: "log", text: `canary of victim ${i}` }]);
      expect(calls).toHaveLength(1);
    }
    expect(JSON.stringify(attacker)).not.toContain("canary of victim");
  });

  it("the runs in it go on in a real one, and none of their calls is made twice", async () => {
    const workers = await open("seems honest", 0);
    pool = workers;
    const calls: number[] = [];
    const note = ({ i }: { i: number }): number => {
      calls.push(i);
      return i;
    };
    const runs = await Promise.all(
      [1, 2, 3, 4, 5].map((i) =>
        runProgram(workers, "return [await lab.note({ i: input.i }), await lab.note({ i: -input.i })]", {
          input: { i, behaviour: "exits in the middle of a run" },
          tools: { note },
        }),
      ),
    );
    expect(runs.map(resultOf)).toEqual([1, 2, 3, 4, 5].map((i) => [i, -i]));
    expect(calls.toSorted((a, b) => a - b)).toEqual([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]);
  });

  it("a run that worked in it when another killed it, twice in a row, is not blamed for it", async () => {
    const workers = await open("seems honest", "all");
    pool = workers;
    const works = honest(workers, { input: { word: "honest", behaviour: "answers nothing", once: true } });
    await until("it works", () => workers.stats().runs.running === 1);
    const kills = honest(workers, { input: { behaviour: "exits in the middle of a run" } });
    expect(codeOf(await kills)).toBe("engine_crashed");
    expect(resultOf(await works)).toBe("honest");
  });

  it("memory is what the system says, not what the worker says of itself", async () => {
    pool = await open("claims to be huge", "all");
    const run = await honest(pool, {
      input: { behaviour: "grows without end" },
      limits: { memoryMb: 16, wallMs: 1_000 },
    });
    expect(codeOf(run)).toBe("memory_exceeded");
  });
});

describe("a wrapper that stays in front of its worker", () => {
  it("does not keep the worker alive after its pool has ended", async () => {
    const wrapper = ["/bin/sh", "-c", '"$@"; exit', "sh"];
    const pool = await createWorkerPool({ workers: 1, wrapper });
    expect(resultOf(await honest(pool))).toBe("honest");
    const ended = await Promise.race([
      pool[Symbol.asyncDispose]().then(() => "ended"),
      new Promise((resolve) => setTimeout(resolve, 1_000 * slack(), "still waiting")),
    ]);
    expect(ended).toBe("ended");
  });
});
