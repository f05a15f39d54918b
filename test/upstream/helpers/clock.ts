/** A clock that stands still until a test moves it, or something sleeps by it. */
import type { Clock } from "../../../src/upstream/clock.ts";

export interface TestClock extends Clock {
  /** Every pause that was made, in milliseconds. */
  readonly pauses: readonly number[];
  advance(ms: number): void;
  /** What the next draws are, the last for ever. Default 0. */
  chances: number[];
}

export function createTestClock(): TestClock {
  const pauses: number[] = [];
  let now = 1_000;
  return {
    pauses,
    chances: [0],
    now: () => now,
    random() {
      return (this.chances.length > 1 ? this.chances.shift() : this.chances[0]) ?? 0;
    },
    async sleep(ms, signal) {
      signal.throwIfAborted();
      pauses.push(ms);
      now += ms;
    },
    advance(ms) {
      now += ms;
    },
  };
}
