/** The engine over many runs; `npm run test:soak` has the full count. */
import { getHeapSpaceStatistics } from "node:v8";
import { expect, it } from "vitest";
import { createWorkerPool, type WorkerPool } from "../../sandbox/index.ts";
import { collectGarbage, rssBytes } from "../escape/helpers/processes.ts";
import { resultOf, runProgram } from "../helpers/engine.ts";
import { until } from "../helpers/until.ts";

const RUNS = process.env["SOAK"] === "1" ? 10_000 : 300;
/** The heaps find their size in the first runs; a worker's whole life is a thousand. */
const WARM_UP_RUNS = process.env["SOAK"] === "1" ? 1_000 : 100;
const READINGS = 5;
const ALLOWED_GROWTH_BYTES = 20 * 1024 * 1024;
const PER_RUN_MS = 60;

it(
  `${RUNS} runs in a row leave memory, handles and processes as they were`,
  async () => {
    await using pool = await createWorkerPool({ workers: 1 });
    const add = ({ a, b }: { a: number; b: number }): number => a + b;
    const run = async (i: number): Promise<void> => {
      const body = `console.log(${i}); await sleep(0); return await lab.add({ a: ${i}, b: 1 })`;
      expect(resultOf(await runProgram(pool, body, { tools: { add } }))).toBe(i + 1);
    };
    for (let i = 0; i < WARM_UP_RUNS; i++) await run(i);
    const before = await reading(pool);
    for (let i = 0; i < RUNS; i++) await run(i);
    const after = await reading(pool);
    expect(after.processes).toBe(before.processes);
    expect(after.handles).toBeLessThanOrEqual(before.handles);
    console.log(`resident memory: ${Math.round((after.bytes - before.bytes) / 1024)} KiB more`);
    expect(after.bytes - before.bytes).toBeLessThan(ALLOWED_GROWTH_BYTES);
  },
  20_000 + (RUNS + WARM_UP_RUNS) * PER_RUN_MS,
);

/** Resident memory of this process and the workers; of this process less V8's young generation. */
async function reading(
  pool: WorkerPool,
): Promise<{ readonly bytes: number; readonly handles: number; readonly processes: number }> {
  await until("every worker is up", () => pool.stats().workers.ready === pool.stats().workers.wanted);
  const { pids } = pool.stats();
  const readings: number[] = [];
  for (let i = 0; i < READINGS; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
    readings.push([process.pid, ...pids].reduce((sum, pid) => sum + rssBytes(pid), -youngBytes()));
  }
  const bytes = readings.sort((one, other) => one - other)[Math.floor(READINGS / 2)] ?? 0;
  return { bytes, handles: process.getActiveResourcesInfo().length, processes: pids.length };
}

/**
 * V8 doubles its young generation up to a ceiling of its own (26 MB after 5,000 runs, and no more after 10,000),
 * whatever a process does. What outlives the collection before a reading is not in there.
 */
function youngBytes(): number {
  const young = getHeapSpaceStatistics().filter(({ space_name }) => space_name.startsWith("new_"));
  return young.reduce((sum, { physical_space_size }) => sum + physical_space_size, 0);
}
