/** Many runs in a row in a pool of one worker, and what the system says of the processes before and after. */
import { createWorkerPool, type WorkerPool } from "../../sandbox/index.ts";
import { collectGarbage, rssBytes } from "../escape/helpers/processes.ts";
import { resultOf, runProgram } from "../helpers/engine.ts";
import { until } from "../helpers/until.ts";

export interface Soak {
  readonly runs: number;
  readonly before: Reading;
  readonly after: Reading;
}

interface Reading {
  /** Resident memory of this process and the workers: the median of five readings. */
  readonly bytes: number;
  /** Of this process alone. */
  readonly ownBytes: number;
  readonly handles: number;
  readonly processes: number;
}

const WARM_UP_RUNS = 100;
const READINGS = 5;

const runs = Number(process.argv[2]);
await using pool = await createWorkerPool({ workers: 1 });
for (let i = 0; i < WARM_UP_RUNS; i++) await run(i);
const before = await reading(pool);
for (let i = 0; i < runs; i++) await run(i);
const soak: Soak = { runs, before, after: await reading(pool) };
process.stdout.write(JSON.stringify(soak));

async function run(i: number): Promise<void> {
  const add = ({ a, b }: { a: number; b: number }): number => a + b;
  const body = `console.log(${i}); await sleep(0); return await lab.add({ a: ${i}, b: 1 })`;
  const result = resultOf(await runProgram(pool, body, { tools: { add } }));
  if (result !== i + 1) throw new Error(`run ${i} returned ${JSON.stringify(result)}`);
}

async function reading(pool: WorkerPool): Promise<Reading> {
  await until("every worker is up", () => pool.stats().workers.ready === pool.stats().workers.wanted);
  const { pids } = pool.stats();
  const all: number[] = [];
  const own: number[] = [];
  for (let i = 0; i < READINGS; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
    all.push([process.pid, ...pids].reduce((sum, pid) => sum + rssBytes(pid), 0));
    own.push(rssBytes(process.pid));
  }
  const handles = process.getActiveResourcesInfo().length;
  return { bytes: median(all), ownBytes: median(own), handles, processes: pids.length };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
