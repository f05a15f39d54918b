/** How much passes when everybody comes at once? CPU is that of the gateway, its workers and its compiler together. */
import { createSandbox } from "../../../src/index.ts";
import { programOf } from "../contenders/contender.ts";
import { engineRun, openPool, resultOf } from "../contenders/engine.ts";
import { benchTools, reportedResult } from "../contenders/sandbox.ts";
import { ask, both, type Extent, ms, percentiles, tell } from "../measure.ts";
import { treeCpuMs } from "../processes.ts";
import { keep } from "../tables.ts";

const PROGRAM: string = programOf("one call");

export async function saturation({ short }: Extent): Promise<void> {
  ask("How many one-call programs pass per second, and what CPU does one cost?");
  const durationMs = short ? 400 : 4_000;
  {
    await using pool = await openPool();
    for (const concurrency of [1, 8, 64])
      await saturate("toolarium/sandbox", concurrency, durationMs, async () =>
        resultOf(await pool.run(engineRun(PROGRAM))),
      );
  }
  await using sandbox = await createSandbox({ tools: benchTools });
  for (const concurrency of [1, 8, 64])
    await saturate("createSandbox, journal on", concurrency, durationMs, async () =>
      reportedResult(await sandbox.run(PROGRAM)),
    );
}

async function saturate(
  name: string,
  concurrency: number,
  durationMs: number,
  run: () => Promise<unknown>,
): Promise<void> {
  await loop(concurrency, durationMs / 4, run);
  const cpuBefore = treeCpuMs();
  const startedAt = performance.now();
  const latencies = await loop(concurrency, durationMs, run);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuPerRun = (treeCpuMs() - cpuBefore) / latencies.length;
  const perSecond = `${(latencies.length / seconds).toFixed(0)} runs/s`;
  tell(
    `${name}, ${concurrency} at once`,
    perSecond,
    `CPU ${ms(cpuPerRun)} a run`,
    ...both(percentiles(latencies)),
  );
  keep("one-call programs", name, `${concurrency} at once`, `${perSecond}, CPU ${ms(cpuPerRun)} each`);
}

/** Keeps `concurrency` runs going for a time; resolves with how long each took. */
async function loop(concurrency: number, durationMs: number, run: () => Promise<unknown>): Promise<number[]> {
  const latencies: number[] = [];
  const until = performance.now() + durationMs;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await run();
      latencies.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return latencies;
}
