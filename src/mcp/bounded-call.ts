/**
 * One call, bounded from outside: whatever the work does, the caller gets an answer when time is up, when the caller
 * aborts, or when the connection is disposed. Which of the three it was is known here, from our own signals: the MCP
 * SDK reports a timeout and an abort as the same error.
 */
import type { ToolFailure } from "../journal.ts";
import type { CallOutcome } from "./hub.ts";

export interface CallBounds {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Aborts when the owner is disposed. */
  readonly closed: AbortSignal;
  /** What an expired timeout means at that moment. */
  readonly onTimeout: () => ToolFailure;
}

/**
 * Runs `work` until it answers or a bound is hit; then its signal aborts and its answer is ignored. Never rejects:
 * what `work` throws goes through `onThrow`.
 */
export function boundCall(
  bounds: CallBounds,
  work: (signal: AbortSignal) => Promise<CallOutcome>,
  onThrow: (error: unknown) => ToolFailure,
): Promise<CallOutcome> {
  const { signal, closed } = bounds;
  if (signal.aborted) return Promise.resolve({ ok: false, failure: CANCELLED });
  if (closed.aborted) return Promise.resolve({ ok: false, failure: CLOSED });
  const aborter = new AbortController();
  return new Promise((resolve) => {
    const settle = (outcome: CallOutcome): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      closed.removeEventListener("abort", onClosed);
      resolve(outcome);
    };
    const stop = (failure: ToolFailure): void => {
      settle({ ok: false, failure });
      aborter.abort(failure.message);
    };
    const onAbort = (): void => stop(CANCELLED);
    const onClosed = (): void => stop(CLOSED);
    const timer = setTimeout(() => stop(bounds.onTimeout()), Math.min(bounds.timeoutMs, MAX_TIMER_MS));
    signal.addEventListener("abort", onAbort, { once: true });
    closed.addEventListener("abort", onClosed, { once: true });
    work(aborter.signal).then(settle, (error: unknown) => settle({ ok: false, failure: onThrow(error) }));
  });
}

/** The longest delay a timer takes; above it `setTimeout` fires at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

const CANCELLED: ToolFailure = { kind: "cancelled", message: "The call was cancelled." };
const CLOSED: ToolFailure = { kind: "unavailable", message: "The gateway is shutting down." };
