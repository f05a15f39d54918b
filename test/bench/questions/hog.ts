/**
 * What does an honest program lose beside a hog? Alone and beside it in short turns, so that both see the same machine:
 * gateway, worker, hog and whatever else runs share its cores. A hog in the same worker has the honest one's principal.
 */
import { defaultCeilings, type WorkerPool } from "../../../sandbox/index.ts";
import { programOf } from "../contenders/contender.ts";
import { allUp, engineRun, openPool, resultOf } from "../contenders/engine.ts";
import { ask, both, type Extent, idlePause, ms, percentiles, tell, timed, times } from "../measure.ts";
import { keep } from "../tables.ts";
import { readCoreTimes, waitedBetween } from "../waiting-for-cores.ts";

interface Hog {
  readonly name: string;
  readonly body: string;
  readonly where: "same worker" | "another principal";
}

const busy = "for (;;);";
const storm = "for (;;) await Promise.all(Array.from({ length: 32 }, () => echo({ value: 1 })))";
const flood = "await Promise.all(Array.from({ length: 10_000 }, () => echo({ value: 1 })))";
const hogs: readonly Hog[] = [
  { name: "a busy loop", body: busy, where: "same worker" },
  { name: "a busy loop", body: busy, where: "another principal" },
  { name: "32 calls at once, again and again", body: storm, where: "same worker" },
  { name: "32 calls at once, again and again", body: storm, where: "another principal" },
  { name: "10,000 calls at once", body: flood, where: "same worker" },
  { name: "10,000 calls at once", body: flood, where: "another principal" },
];
const HOG_LIMITS = { ...defaultCeilings };
/** Turns of each, and programs in a turn: a p99 of 600 is the sixth worst. */
const TURNS = 12;
const PROGRAMS = 50;

export async function hog({ short }: Extent): Promise<void> {
  ask(
    "How long does an honest one-call program take beside a hog? (idle cadence; 2× alone is the aim for p99)",
  );
  for (const each of hogs) await besideHog(each, short ? 2 : TURNS, short ? 5 : PROGRAMS);
}

async function besideHog({ name, body, where }: Hog, turns: number, programs: number): Promise<void> {
  await using pool = await openPool(where === "same worker" ? { workers: 1 } : {});
  const principal = where === "same worker" ? "bench" : "another";
  const alone: Timed[] = [];
  const beside: Timed[] = [];
  await honest(pool, programs);
  for (let turn = 0; turn < turns; turn++) {
    await allUp(pool);
    alone.push(...(await honest(pool, programs)));
    const abort = new AbortController();
    const running = runHog(pool, body, principal, abort.signal);
    await allUp(pool);
    beside.push(...(await honest(pool, programs)));
    abort.abort();
    await running;
  }
  const [without, with_] = [alone, beside].map((all) => percentiles(all.map(({ tookMs }) => tookMs)));
  if (without === undefined || with_ === undefined) return;
  const title = `${name}, ${where}`;
  const ratios = [times(with_.p50, without.p50), times(with_.p99, without.p99)] as const;
  tell(`${title}: alone`, ...both(without), `${alone.length} programs`);
  tell(`${title}: beside it`, ...both(with_), `${ratios[0]} p50`, `${ratios[1]} p99`);
  tellSlowest(beside);
  keep("an honest program beside", title, "p50", `${ms(with_.p50)} (${ratios[0]} alone)`);
  keep("an honest program beside", title, "p99", `${ms(with_.p99)} (${ratios[1]} alone)`);
}

/** A hog that reaches a limit, or its end, is started again. */
async function runHog(pool: WorkerPool, body: string, principal: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await pool.run(engineRun(body, { principal, signal, limits: HOG_LIMITS }));
}

interface Timed {
  readonly tookMs: number;
  /** For which threads of gateway and workers had work and no core. They wait side by side, too. */
  readonly waitedMs: number;
}

async function honest(pool: WorkerPool, programs: number): Promise<readonly Timed[]> {
  const all: Timed[] = [];
  for (let i = 0; i < programs; i++) {
    const { pids } = pool.stats();
    const before = readCoreTimes(pids);
    const tookMs = await timed(async () => resultOf(await pool.run(engineRun(programOf("one call")))));
    all.push({ tookMs, waitedMs: waitedBetween(before, readCoreTimes(pids)) });
    await idlePause();
  }
  return all;
}

/** Where the time of the slowest goes. */
function tellSlowest(all: readonly Timed[]): void {
  const slowest = all.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, Math.ceil(all.length / 20));
  const mean = (pick: (one: Timed) => number): number =>
    slowest.reduce((sum, one) => sum + pick(one), 0) / slowest.length;
  tell(
    "  its slowest twentieth, mean",
    ms(mean(({ tookMs }) => tookMs)),
    `threads with work and no core: ${ms(mean(({ waitedMs }) => waitedMs))}`,
  );
}
