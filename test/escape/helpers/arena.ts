/**
 * Where attacks are made: one pool per test file, one claim per program. After every attack, whatever it did, the same
 * pool serves an honest run at once, nothing secret came out, all processes are back, memory is what it was and no
 * core is still busy.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createWorkerPool,
  type EngineFailureCode,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../../../sandbox/index.ts";
import {
  codeOf,
  type ProgramOptions,
  type ProgramResult,
  resultOf,
  runProgram,
  type Tool,
} from "../../helpers/engine.ts";
import { until } from "../../helpers/until.ts";
import { closureSecret, expectNothingLeaked } from "./canary.ts";
import { collectGarbage, cpuMs, hasProc, isAlive, rssBytes } from "./processes.ts";
import { slack } from "./slack.ts";

/** An honest run takes a few milliseconds; after a crash that took the spare along too, one start of a worker. */
const HONEST_MS = 1_000;
/** What the engine promises: past its limit, a program keeps a core or memory for no longer than this. */
const PROMISED_MS = 500;
/** A process is idle when it used at most one tick of the kernel's CPU count in this time. */
const QUIET_MS = 50;
const ONE_TICK_MS = 10;
/** V8 does not return every page of a disposed isolate, so one attack proves little: a file full of kept ones goes beyond. */
const WORKER_GROWTH_BYTES = 96 * 1024 * 1024;
/** The test runner itself grows by some tens of megabytes in a file; a result or log that is kept comes on top. */
const PARENT_GROWTH_BYTES = 128 * 1024 * 1024;

export interface Attack extends Pick<ProgramOptions, "limits" | "input" | "onCall" | "startedAt"> {
  /** A sentence that stays true after the program has done what it could. */
  readonly claim: string;
  /** Body of an async function in sloppy mode. `lab.echo`, `lab.fail` and `lab.never` can be called. */
  readonly code: string;
  /** More tools, or others under the same names. */
  readonly tools?: { readonly [name: string]: Tool };
  readonly expect: { readonly result: unknown } | { readonly ends: End | readonly End[] };
  /** The process it ran in must be gone afterwards, and another in its place. */
  readonly replaced?: true;
  /** What else must hold of logs, calls, usage and words. */
  readonly also?: (run: ProgramResult) => void;
}

/** How a run ends. Several where both are right, such as two limits of which chance decides the first. */
type End = EngineFailureCode | "completed";

export interface Arena {
  /** Declares a test: the program is run once, and the claim, the outcome and the state after it are asserted. */
  readonly attack: (attack: Attack) => void;
  /** For attacks of another shape than one program: asserts the state after `act`, and that its answer holds no secret. */
  readonly unharmed: <T>(act: (pool: WorkerPool) => Promise<T>) => Promise<T>;
}

/** Call once, at the top of a test file. */
export function openArena(options: WorkerPoolOptions = {}): Arena {
  let pool: WorkerPool;
  let fresh: Memory;
  beforeAll(async () => {
    pool = await createWorkerPool({ workers: 1, memoryMb: 32, ...options });
    await whole(pool);
    await honestRun(pool);
    fresh = memoryOf(pool);
  });
  afterAll(() => pool[Symbol.asyncDispose]());

  const unharmed = async <T>(act: (pool: WorkerPool) => Promise<T>): Promise<T> => {
    const present = pool.stats().pids;
    const output = await act(pool);
    await expectUnharmed(pool, present, fresh);
    expectNothingLeaked(output);
    return output;
  };
  const attack = (attack: Attack): void => {
    it(attack.claim, async () => {
      const present = pool.stats().pids;
      const run = await unharmed((pool) => runAttack(pool, attack));
      if ("ends" in attack.expect) expect([attack.expect.ends].flat(), said(run)).toContain(codeOf(run));
      else expect(resultOf(run)).toEqual(attack.expect.result);
      if (attack.replaced === true) expect(present.every(isAlive), "its process lives on").toBe(false);
      attack.also?.(run);
    });
  };
  return { attack, unharmed };
}

/** Tools every attack has. The secret is in the closure they share, as a gateway's credentials are. */
export function labTools(): { readonly [name: string]: Tool } {
  const credential = closureSecret;
  return {
    echo: (args) => args,
    fail: () => {
      throw new Error("the lab failed");
    },
    never: () => new Promise(() => credential),
  };
}

async function runAttack(pool: WorkerPool, attack: Attack): Promise<ProgramResult> {
  const start = performance.now();
  const run = await runProgram(pool, attack.code, { ...attack, tools: { ...labTools(), ...attack.tools } });
  const allowedMs = { wall_timeout: attack.limits?.wallMs, cpu_timeout: attack.limits?.cpuMs }[codeOf(run)];
  if (allowedMs !== undefined)
    expect(performance.now() - start, "milliseconds until the run had ended").toBeLessThan(
      (allowedMs + PROMISED_MS) * slack(),
    );
  return run;
}

/** @param present Workers that were there before the attack. */
async function expectUnharmed(pool: WorkerPool, present: readonly number[], fresh: Memory): Promise<void> {
  const ended = performance.now();
  await honestRun(pool);
  await quiet(present);
  expect(performance.now() - ended, "milliseconds until no core was busy").toBeLessThan(
    (HONEST_MS + PROMISED_MS + QUIET_MS) * slack(),
  );
  await whole(pool);
  const { pids } = pool.stats();
  for (const pid of present)
    if (!pids.includes(pid)) await until(`worker ${pid} has gone`, () => !isAlive(pid));
  if (pids.some((pid) => !present.includes(pid))) await quiet(pids);
  if (memoryOf(pool).parent - fresh.parent > PARENT_GROWTH_BYTES) collectGarbage();
  const memory = memoryOf(pool);
  expect(memory.worker - fresh.worker, "growth of a worker in bytes").toBeLessThan(WORKER_GROWTH_BYTES);
  expect(memory.parent - fresh.parent, "growth of this process in bytes").toBeLessThan(PARENT_GROWTH_BYTES);
}

/** Right, at once, and in a world where nothing was touched. */
async function honestRun(pool: WorkerPool): Promise<void> {
  const start = performance.now();
  const run = await runProgram(
    pool,
    `const { items } = await lab.echo({ items: [3, 1, 2] });
     const sum = new Map(items.sort().map((item) => [item, item * 2]));
     return { sum: [...sum.values()].reduce((one, other) => one + other, 0), own: Object.keys({}).length }`,
    { tools: labTools() },
  );
  expect(resultOf(run)).toEqual({ sum: 12, own: 0 });
  expect(performance.now() - start, "milliseconds of an honest run").toBeLessThan(HONEST_MS * slack());
}

/** Every worker the pool wants is ready, and it has nothing to do. */
async function whole(pool: WorkerPool): Promise<void> {
  await until("the pool is whole", () => {
    const { workers, runs } = pool.stats();
    return (
      workers.ready === workers.wanted && workers.starting === 0 && runs.running === 0 && runs.queued === 0
    );
  });
}

/** None of the processes, as far as they still live, works on anything. */
async function quiet(pids: readonly number[]): Promise<void> {
  if (!hasProc) return;
  const read = (): { readonly at: number; readonly cpu: number } => ({
    at: performance.now(),
    cpu: pids.filter(isAlive).reduce((sum, pid) => sum + cpuMs(pid), 0),
  });
  let window = read();
  await until("no worker uses CPU", () => {
    const now = read();
    // A process that has gone takes its count along: the window starts anew.
    if (now.cpu < window.cpu || now.cpu - window.cpu > ONE_TICK_MS) window = now;
    return now.at - window.at >= QUIET_MS;
  });
}

interface Memory {
  /** The largest worker. */
  readonly worker: number;
  readonly parent: number;
}

function memoryOf(pool: WorkerPool): Memory {
  return { worker: Math.max(...pool.stats().pids.map(rssBytes)), parent: process.memoryUsage.rss() };
}

function said(run: ProgramResult): string {
  return `the run answered ${JSON.stringify(resultOf(run))}`;
}
