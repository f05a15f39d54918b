/**
 * Port: limits the requests and the concurrent work of one key. It is asynchronous, so that a shared store can count
 * for several gateways. The embedded one counts in memory.
 */

export interface Limiter {
  /** Takes one request from the key's bucket, which holds one minute's worth and refills evenly. */
  takeRequest(key: string, ratePerMinute: number): Promise<RateVerdict>;
  /** Takes one of the key's slots; undefined when all are taken. Disposing a slot twice releases it once. */
  takeSlot(key: string, maxConcurrent: number): Promise<AsyncDisposable | undefined>;
}

export type RateVerdict =
  | { readonly allowed: true }
  /** Whole seconds until the next request is allowed, at least 1. */
  | { readonly allowed: false; readonly retryAfterSeconds: number };
