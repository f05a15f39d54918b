/** The time and randomness of retries and cool-downs. Tests inject their own. */
import { setTimeout } from "node:timers/promises";

export interface Clock {
  /** Milliseconds. Only differences are meaningful; the value never decreases. */
  now(): number;
  /** Rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1, 1 excluded. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
  random: () => Math.random(),
};
