/**
 * Port: how much one key may ask for. Asynchronous and narrow, so that a shared store can answer for several
 * gateways; the embedded one counts in memory.
 */

export interface Limiter {
  /** Takes one request from the key's bucket, which holds one minute's worth and refills evenly. */
  takeRequest(key: string, ratePerMinute: number): Promise<RateVerdict>;
  /** Takes one of the key's slots; undefined when all are taken. Disposing the slot twice gives it back once. */
  takeSlot(key: string, maxConcurrent: number): Promise<AsyncDisposable | undefined>;
}

export type RateVerdict =
  | { readonly allowed: true }
  /** Whole seconds until the next request will be served, at least 1. */
  | { readonly allowed: false; readonly retryAfterSeconds: number };
