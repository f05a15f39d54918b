/**
 * The health of something that is asked again and again, a provider or one of its keys. After a failure it cools down:
 * others are asked first. When that time is over one real request is its probe: a success heals it, another failure
 * makes the next cool-down twice as long.
 */
import type { Clock } from "./clock.ts";

/** Milliseconds of the first cool-down: long enough for a burst to pass, short enough to be back soon. */
const FIRST_MS = 5_000;
/** Milliseconds of the longest one, whatever a `Retry-After` says: a clock of theirs that is wrong must not cost a day. */
const LONGEST_MS = 300_000;

export interface CoolDown {
  /** False while it cools down, and while a probe is under way. */
  readonly isReady: boolean;
  /** When the cool-down ends, or ended, by the clock. 0 when it is healthy. */
  readonly endsAt: number;
  /** One request that depends on it. To be disposed, whatever came of it. */
  begin(): Trial;
}

export interface Trial extends Disposable {
  succeeded(): void;
  /** Several that began together and fail together count once. `retryAfterSeconds`: what it asked for itself. */
  failed(retryAfterSeconds?: number): void;
}

export function createCoolDown(clock: Clock): CoolDown {
  let failures = 0;
  let endsAt = 0;
  let probes = 0;
  return {
    get isReady() {
      return failures === 0 || (probes === 0 && clock.now() >= endsAt);
    },
    get endsAt() {
      return endsAt;
    },
    begin() {
      const known = failures;
      let isProbe = known > 0;
      if (isProbe) probes += 1;
      const end = (): void => {
        if (isProbe) probes -= 1;
        isProbe = false;
      };
      return {
        succeeded() {
          end();
          failures = 0;
          endsAt = 0;
        },
        failed(retryAfterSeconds) {
          end();
          if (failures === known) failures += 1;
          const ms =
            retryAfterSeconds === undefined ? FIRST_MS * 2 ** (failures - 1) : retryAfterSeconds * 1_000;
          endsAt = Math.max(endsAt, clock.now() + Math.min(ms, LONGEST_MS));
        },
        [Symbol.dispose]: end,
      };
    },
  };
}
