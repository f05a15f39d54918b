/**
 * The health of a provider or of one of its keys. After a failure it cools down: others are tried first. After the
 * cool-down one real request is its probe: a success makes it healthy, another failure doubles the next cool-down.
 */
import type { Clock } from "./clock.ts";

/** Milliseconds of the first cool-down: long enough for a burst to pass, short enough for an early return. */
const FIRST_MS = 5_000;
/**
 * Milliseconds of the longest cool-down, whatever a `Retry-After` says: a provider's wrong clock must not cost a day.
 */
const LONGEST_MS = 300_000;

export interface CoolDown {
  /** False during a cool-down and while a probe is running. */
  readonly isReady: boolean;
  /** Time on the clock at which the cool-down ends or ended. 0 when healthy. */
  readonly endsAt: number;
  /** Begins one request that depends on it. The trial must be disposed, whatever its result. */
  begin(): Trial;
}

export interface Trial extends Disposable {
  succeeded(): void;
  /**
   * Requests that began together and fail together count once. `retryAfterSeconds`: the pause that the provider asked
   * for.
   */
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
