/** `toolarium/sandbox` alone: a fresh isolate per run in a worker process; no gate, no compiler, no journal. */
import {
  createWorkerPool,
  defaultLimits,
  type EngineOutcome,
  type EngineRun,
  type GuestCall,
  type Settlement,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../../../sandbox/index.ts";
import { until } from "../../helpers/until.ts";
import { type Contender, hostTools, programOf } from "./contender.ts";

export async function createContender(): Promise<Contender> {
  const pool = await createWorkerPool();
  return {
    run: async (task) => resultOf(await pool.run(engineRun(programOf(task)))),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** A pool whose workers are all up, so that none of them starts beside what is measured. */
export async function openPool(options: WorkerPoolOptions = {}): Promise<WorkerPool> {
  const pool = await createWorkerPool(options);
  await allUp(pool);
  return pool;
}

/** Resolves when no worker is starting any more. */
export async function allUp(pool: WorkerPool): Promise<void> {
  await until("every worker is up", () => {
    const { ready, starting, wanted } = pool.stats().workers;
    return ready >= wanted && starting === 0;
  });
}

/** A run of a function's body with the tools `echo` and `slow` as globals. */
export function engineRun(body: string, more: Partial<EngineRun> = {}): EngineRun {
  return {
    principal: "bench",
    limits: defaultLimits,
    program: {
      js: `(async () => {${body}\n})`,
      namespaces: {
        servers: [],
        locals: [
          { name: "echo", global: "echo" },
          { name: "slow", global: "slow" },
        ],
      },
      input: "null",
      seed: "bench",
    },
    host: { log: () => undefined, call: settle },
    ...more,
  };
}

export function resultOf(outcome: EngineOutcome): unknown {
  if (outcome.type === "completed") return JSON.parse(outcome.result);
  throw new Error(outcome.type === "failed" ? outcome.failure.message : "the run was parked");
}

async function settle({ tool, args }: GuestCall): Promise<Settlement> {
  const value = tool === "echo" ? hostTools.echo(JSON.parse(args).value) : await hostTools.slow();
  return { type: "value", value: JSON.stringify(value) };
}
