/** The options of a pool of workers, and their defaults. */
import { availableParallelism } from "node:os";
import { defaultLimits } from "../limits.ts";

export interface WorkerPoolOptions {
  /** Worker processes in use at once. Default: available cores. One more is kept warm. */
  readonly workers?: number;
  /**
   * Runs in one worker at once. Default 8: seven times the throughput of 1 for a sixth more latency; 16 saturate a
   * core.
   */
  readonly runsPerWorker?: number;
  /** Runs that may wait for a place. Default 256. */
  readonly queue?: number;
  /** `principal` (default): runs of one principal share workers. `run`: a worker runs one program and is replaced. */
  readonly isolation?: "principal" | "run";
  /** Command put before each worker, e.g. bwrap or setpriv with their arguments. Default none. */
  readonly wrapper?: readonly string[];
  /** Memory limit of isolates that are built in advance. Default: that of `defaultLimits`. */
  readonly memoryMb?: number;
  /** Runs after which a worker is replaced. Default 1,000. */
  readonly runsPerLife?: number;
  /**
   * Called when a worker could not be started and none since has ended a run well. The pool tries again at growing
   * intervals.
   */
  readonly onStartFailed?: (reason: string) => void;
}

export type ResolvedPoolOptions = Required<WorkerPoolOptions>;

export function resolvePoolOptions(options: WorkerPoolOptions): ResolvedPoolOptions {
  return {
    workers: options.workers ?? availableParallelism(),
    runsPerWorker: options.isolation === "run" ? 1 : (options.runsPerWorker ?? 8),
    queue: options.queue ?? 256,
    isolation: options.isolation ?? "principal",
    wrapper: options.wrapper ?? [],
    memoryMb: options.memoryMb ?? defaultLimits.memoryMb,
    runsPerLife: options.isolation === "run" ? 1 : (options.runsPerLife ?? 1_000),
    onStartFailed: options.onStartFailed ?? (() => undefined),
  };
}
