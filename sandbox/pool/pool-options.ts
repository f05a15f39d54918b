/** The options of a pool of workers, and their defaults. */
import { availableParallelism } from "node:os";
import { defaultLimits } from "../limits.ts";

export interface WorkerPoolOptions {
  /**
   * Worker processes in use at once. One more is kept ready.
   *
   * @defaultValue the number of available cores
   */
  readonly workers?: number;
  /**
   * Runs in one worker at once. 8 have seven times the throughput of 1 for a sixth more latency; 16 saturate a core.
   *
   * @defaultValue 8; always 1 with `isolation: "run"`
   */
  readonly runsPerWorker?: number;
  /**
   * Runs that may wait for a place.
   *
   * @defaultValue 256
   */
  readonly queue?: number;
  /**
   * `principal`: runs of one principal share workers. `run`: a worker runs one program and is replaced.
   *
   * @defaultValue `principal`
   */
  readonly isolation?: "principal" | "run";
  /**
   * Command put before each worker, e.g. bwrap or setpriv with their arguments.
   *
   * @defaultValue none
   */
  readonly wrapper?: readonly string[];
  /**
   * Megabytes of V8 heap of isolates that are built in advance. A run with another limit gets an isolate of its own.
   *
   * @defaultValue `defaultLimits.memoryMb`
   */
  readonly memoryMb?: number;
  /**
   * Runs after which a worker is replaced.
   *
   * @defaultValue 1,000; always 1 with `isolation: "run"`
   */
  readonly runsPerLife?: number;
  /**
   * Called when a worker could not be started and none since has ended a run well. The pool tries again at growing
   * intervals.
   *
   * @defaultValue nothing is called
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
