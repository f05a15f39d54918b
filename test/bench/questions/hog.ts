/** What does an honest program lose beside a hog? Alone and beside it in turn, so that both see the same machine. */
import { defaultCeilings, type WorkerPool } from "../../../sandbox/index.ts";
import { programOf } from "../contenders/contender.ts";
import { allUp, engineRun, openPool, resultOf } from "../contenders/engine.ts";
import { ask, both, type Extent, interleave, percentiles, tell, timed, times } from "../measure.ts";

const hogs: { readonly [name: string]: string } = {
  "a busy loop": "for (;;);",
  "a storm of tool calls": "for (;;) await Promise.all(Array.from({ length: 32 }, () => echo({ value: 1 })))",
};
const HOG_LIMITS = { ...defaultCeilings };
const BLOCKS = 4;

export async function hog({ short }: Extent): Promise<void> {
  ask(
    "How long does an honest one-call program take beside a hog? (idle cadence; 2× alone is the aim for p99)",
  );
  for (const [name, body] of Object.entries(hogs)) {
    await besideHog(`${name}, same principal`, body, "bench", short);
    await besideHog(`${name}, another principal`, body, "another", short);
  }
}

async function besideHog(name: string, body: string, principal: string, short: boolean): Promise<void> {
  await using pool = await openPool();
  const rounds = short ? 5 : 75;
  const alone: number[] = [];
  const beside: number[] = [];
  await honest(pool, short ? 5 : 50);
  for (let block = 0; block < BLOCKS; block++) {
    await allUp(pool);
    alone.push(...(await honest(pool, rounds)));
    const abort = new AbortController();
    const running = runHog(pool, body, principal, abort.signal);
    await allUp(pool);
    beside.push(...(await honest(pool, rounds)));
    abort.abort();
    await running;
  }
  const [without, with_] = [percentiles(alone), percentiles(beside)];
  tell(`${name}: alone`, ...both(without));
  tell(
    `${name}: beside it`,
    ...both(with_),
    `${times(with_.p50, without.p50)} p50`,
    `${times(with_.p99, without.p99)} p99`,
  );
}

/** A hog that reaches a limit is started again. */
async function runHog(pool: WorkerPool, body: string, principal: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await pool.run(engineRun(body, { principal, signal, limits: HOG_LIMITS }));
}

async function honest(pool: WorkerPool, rounds: number): Promise<readonly number[]> {
  const act = (): Promise<number> =>
    timed(async () => resultOf(await pool.run(engineRun(programOf("one call")))));
  return (await interleave(rounds, [act]))[0] ?? [];
}
