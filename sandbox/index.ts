/** The door of the engine: everything outside imports from here, never from the files behind it. */
export type * from "./engine.ts";
export {
  boundArguments,
  defaultCeilings,
  defaultLimits,
  type LimitProblem,
  limitNames,
  limitTable,
  type RunLimits,
  resolveLimits,
} from "./limits.ts";
export { FairQueue } from "./pool/fair-queue.ts";
export { createWorkerPool } from "./pool/pool.ts";
export type { WorkerPoolOptions } from "./pool/pool-options.ts";
export { PoolRefusal } from "./pool/pool-refusal.ts";
export { describeShortage } from "./pool/shortage.ts";
export { SUSPEND } from "./session/link.ts";
