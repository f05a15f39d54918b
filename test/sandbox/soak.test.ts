/** The engine over many runs; `npm run test:soak` has the full count. */
import { expect, it } from "vitest";
import { createWorkerPool } from "../../sandbox/index.ts";
import { collectGarbage, rssBytes } from "../escape/helpers/processes.ts";
import { resultOf, runProgram } from "../helpers/engine.ts";

const RUNS = process.env["SOAK"] === "1" ? 10_000 : 300;
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
    // The workers' heaps find their size in the first runs.
    for (let i = 0; i < 100; i++) await run(i);
    const before = await reading(pool.stats().pids);
    for (let i = 0; i < RUNS; i++) await run(i);
    const after = await reading(pool.stats().pids);
    expect(after.processes).toBe(before.processes);
    expect(after.handles).toBeLessThanOrEqual(before.handles);
    expect(after.rss - before.rss).toBeLessThan(ALLOWED_GROWTH_BYTES);
  },
  20_000 + (RUNS + 100) * PER_RUN_MS,
);

async function reading(
  pids: readonly number[],
): Promise<{ readonly rss: number; readonly handles: number; readonly processes: number }> {
  const readings: number[] = [];
  for (let i = 0; i < READINGS; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
    readings.push([process.pid, ...pids].reduce((sum, pid) => sum + rssBytes(pid), 0));
  }
  const rss = readings.sort((one, other) => one - other)[Math.floor(READINGS / 2)] ?? 0;
  return { rss, handles: process.getActiveResourcesInfo().length, processes: pids.length };
}
