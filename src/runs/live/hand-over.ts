/** Hands programs to the pool, which may have no place for one. */
import { PoolRefusal } from "../../../sandbox/index.ts";
import { ToolariumError } from "../../errors.ts";

/** @throws `queue_full` or `not_ready` when the pool takes nothing; then nothing has started */
export function handOver(start: () => void): void {
  try {
    start();
  } catch (error) {
    if (!(error instanceof PoolRefusal)) throw error;
    const options = { cause: error, retryAfterSeconds: 1 };
    if (error.code === "queue_full") throw new ToolariumError("queue_full", error.message, options);
    throw new ToolariumError("not_ready", "The sandbox is not ready to run programs.", options);
  }
}
