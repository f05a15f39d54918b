/** The embedded limiter: counts in the memory of this process. */
import type { Limiter } from "./limiter.ts";

interface Bucket {
  tokens: number;
  refilledAt: number;
}

const MINUTE_MS = 60_000;

/** The maps hold only keys of the configuration, which bounds them. `nowMs`: a monotonic clock in milliseconds. */
export function createMemoryLimiter(nowMs: () => number = () => performance.now()): Limiter {
  const buckets = new Map<string, Bucket>();
  const slotsTaken = new Map<string, number>();

  return {
    async takeRequest(key, ratePerMinute) {
      const now = nowMs();
      const bucket = buckets.get(key) ?? { tokens: ratePerMinute, refilledAt: now };
      const tokensPerMs = ratePerMinute / MINUTE_MS;
      bucket.tokens = Math.min(ratePerMinute, bucket.tokens + (now - bucket.refilledAt) * tokensPerMs);
      bucket.refilledAt = now;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) {
        const waitMs = (1 - bucket.tokens) / tokensPerMs;
        return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
      }
      bucket.tokens -= 1;
      return { allowed: true };
    },

    async takeSlot(key, maxConcurrent) {
      const taken = slotsTaken.get(key) ?? 0;
      if (taken >= maxConcurrent) return undefined;
      slotsTaken.set(key, taken + 1);
      let held = true;
      return {
        async [Symbol.asyncDispose]() {
          if (!held) return;
          held = false;
          slotsTaken.set(key, (slotsTaken.get(key) ?? 1) - 1);
        },
      };
    },
  };
}
