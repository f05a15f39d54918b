/**
 * The pool could not take the run. Nothing of it has happened. `WorkerPool.run` throws it with `queue_full` or
 * `disposed`, `createWorkerPool` with `engine_missing`. Its constructor never throws.
 *
 * @example
 * import { createWorkerPool, defaultLimits, PoolRefusal } from "toolarium/sandbox";
 *
 * const pool = await createWorkerPool({ workers: 1 });
 * await pool[Symbol.asyncDispose]();
 * try {
 *   await pool.run({
 *     principal: "me",
 *     program: { js: "(async () => 1)", namespaces: { servers: [], locals: [] }, input: "null", seed: "1" },
 *     limits: defaultLimits,
 *     host: { call: () => new Promise(() => {}), log: () => {} },
 *   });
 * } catch (error) {
 *   if (!(error instanceof PoolRefusal)) throw error;
 *   console.log(error.code); // disposed
 * }
 */
export class PoolRefusal extends Error {
  override readonly name = "PoolRefusal";
  readonly code: "queue_full" | "disposed" | "engine_missing";

  constructor(code: PoolRefusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}
