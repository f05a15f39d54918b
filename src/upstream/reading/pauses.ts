/** Work that comes in many small pieces, all at once, must not keep the process from everything else. */
import { setImmediate } from "node:timers/promises";

/** Milliseconds of work after which others come first. */
const WORK_MS = 10;

/** Returns a promise to wait for when so much time has passed since the last one, as a clock is read that costs little. */
export function createPauses(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < WORK_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}
