/**
 * Work on values of strangers that must not hold the thread: it is ended by throwing when its time is up, whatever it
 * does, and work that has to wait for its turn lets others come first.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { createContext, Script } from "node:vm";

/** The only thing of the host in there is the function to run; the context exists for its timeout. */
const bounded: { run: () => void } = { run: () => {} };
const context: object = createContext(bounded, { codeGeneration: { strings: false, wasm: false } });
const script: Script = new Script("run()");

/** How often work is begun again that lost its time to other processes. */
const TRIES = 3;

/** Milliseconds of checks in one turn of the event loop, after which the next check waits for another turn. */
const TURN_MS = 20;

let spentInTurnMs = 0;

/** Resolves when there is time for one more check in the turn of then. */
export async function whenThereIsTime(): Promise<void> {
  while (spentInTurnMs >= TURN_MS) await nextTurn();
}

/** Counts what `work` takes, for `whenThereIsTime`. */
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
 * Ends `work` after so many milliseconds of this thread's own time, regular expressions included. Costs about 0.15 ms.
 * `work` may be begun again, and no `finally` within it runs when it is ended.
 *
 * @throws what `isOutOfTime` knows
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
        // The timeout is one of the clock: on a busy machine it comes before the thread had its time.
        const hadItsTime = ownTimeMs() - startedAt >= timeoutMs / 2;
        if (!isOutOfTime(error) || hadItsTime || attempt === TRIES) throw error;
      }
  } finally {
    bounded.run = () => {};
  }
}

/** By its code: what ends bounded work is an error of another realm. */
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
