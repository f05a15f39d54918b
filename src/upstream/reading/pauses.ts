/** Pauses in work that arrives in many small pieces at once, so that it does not block the process. */
import { setImmediate } from "node:timers/promises";

/** Milliseconds of work before other work gets a turn. */
const WORK_MS = 10;

/** Returns a promise to await once that much time has passed since the last one. Reading its clock is cheap. */
export function createPauses(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < WORK_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
