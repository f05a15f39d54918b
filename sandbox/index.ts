/** The door of the engine: whatever stands around it imports from here, and from nowhere behind it. */
export type * from "./engine.ts";
export { FairQueue } from "./host/fair-queue.ts";
export { createWorkerPool, PoolRefusal } from "./host/pool.ts";
export type { WorkerPoolOptions } from "./host/pool-options.ts";
export { SUSPEND } from "./host/link.ts";
export { describeShortage } from "./host/shortage.ts";
export {
  defaultCeilings,
  defaultLimits,
  type LimitProblem,
  limitNames,
  limitTable,
  type RunLimits,
  resolveLimits,
} from "./limits.ts";
