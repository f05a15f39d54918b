/**
 * Bounds work on untrusted values, so that it cannot hold the thread: the work is ended by a throw when its time is up.
 * Checks that must wait for their turn let other work run first.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { createContext, Script } from "node:vm";

/** The function to run is the only host object in the context, which exists for its timeout. */
const bounded: { run: () => void } = { run: () => {} };
const context: object = createContext(bounded, { codeGeneration: { strings: false, wasm: false } });
const script: Script = new Script("run()");

/** Attempts at work that lost its time to other processes. */
const TRIES = 3;

/** Milliseconds of checks in one turn of the event loop; the next check waits for another turn. */
const TURN_MS = 20;

let spentInTurnMs = 0;

/** Resolves when the current turn has time for one more check. */
export async function whenThereIsTime(): Promise<void> {
  while (spentInTurnMs >= TURN_MS) await nextTurn();
}

/** Measures the time of `work`, for `whenThereIsTime`. */
export function spendTime<T>(work: () => T): T {
  const startedAt = performance.now();
  try {
    return work();
  } finally {
    if (spentInTurnMs === 0)
      setImmediate(() => {
        spentInTurnMs = 0;
      });
    spentInTurnMs += performance.now() - startedAt;
  }
}

/**
 * Ends `work` after so many milliseconds of this thread's own time, even inside a regular expression. Costs about 0.15
 * ms. `work` may be started again, and no `finally` in it runs when it is ended.
 *
 * @throws an error that `isOutOfTime` recognizes
 */
export function withDeadline<T>(work: () => T, timeoutMs: number): T {
  const done: { result?: T } = {};
  bounded.run = () => {
    done.result = work();
  };
  const startedAt = ownTimeMs();
  try {
    for (let attempt = 1; ; attempt += 1)
      try {
        script.runInContext(context, { timeout: Math.max(1, Math.ceil(timeoutMs)) });
        return done.result as T;
      } catch (error) {
        // The timeout counts on the clock: on a busy machine it fires before the thread had its time.
        const hadItsTime = ownTimeMs() - startedAt >= timeoutMs / 2;
        if (!isOutOfTime(error) || hadItsTime || attempt === TRIES) throw error;
      }
  } finally {
    bounded.run = () => {};
  }
}

/** By its code: the error that ends bounded work is of another realm. */
export function isOutOfTime(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}

function ownTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
