/**
 * Bounds one call from outside: whatever the work does, the caller gets an answer when the timeout expires, when the
 * caller aborts, or when the connection is disposed. Our own signals tell which of the three it was: the MCP SDK
 * reports a timeout and an abort as the same error.
 */

import type { ToolFailure } from "../journal.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { CallOutcome } from "./server.ts";

export interface CallBounds {
  readonly signal: AbortSignal;
  /** Milliseconds, counted anew with each progress report. */
  readonly timeoutMs: number;
  /** Milliseconds for the whole call, whatever progress is reported. Default `timeoutMs`. */
  readonly maxTimeoutMs?: number;
  /** Aborts when the owner is disposed. */
  readonly closed: AbortSignal;
  /** Makes the failure for an expired timeout, from the state at that moment; `message` says which timeout it was. */
  readonly onTimeout: (message: string) => ToolFailure;
}

/**
 * Runs `work` until it answers or a bound is reached; then its signal aborts and its answer is ignored. Never rejects:
 * `onThrow` turns what `work` throws into a failure. The work calls `onProgress` to report progress.
 */
export function boundCall(
  bounds: CallBounds,
  work: (signal: AbortSignal, onProgress: () => void) => Promise<CallOutcome>,
  onThrow: (error: unknown) => ToolFailure,
): Promise<CallOutcome> {
  const { signal, closed } = bounds;
  if (signal.aborted) return Promise.resolve({ ok: false, failure: CANCELLED });
  if (closed.aborted) return Promise.resolve({ ok: false, failure: CLOSED });
  const aborter = new AbortController();
  const timeoutMs = Math.min(bounds.timeoutMs, MAX_TIMER_MS);
  const maxTimeoutMs = Math.min(Math.max(timeoutMs, bounds.maxTimeoutMs ?? 0), MAX_TIMER_MS);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    let lastTimer: NodeJS.Timeout | undefined;
    const settle = (outcome: CallOutcome): void => {
      clearTimeout(timer);
      clearTimeout(lastTimer);
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
    const expire = (message: string): void => stop(bounds.onTimeout(message));
    const timer = setTimeout(() => {
      const silence = lastTimer === undefined ? "answer" : "report any more progress or answer";
      expire(`The tool did not ${silence} within ${timeoutMs} ms.`);
    }, timeoutMs);
    const onProgress = (): void => {
      if (maxTimeoutMs === timeoutMs || aborter.signal.aborted) return;
      timer.refresh();
      lastTimer ??= setTimeout(
        () => expire(`The tool reported progress, but did not answer within ${maxTimeoutMs} ms.`),
        startedAt + maxTimeoutMs - performance.now(),
      );
    };
    signal.addEventListener("abort", onAbort, { once: true });
    closed.addEventListener("abort", onClosed, { once: true });
    work(aborter.signal, onProgress).then(settle, (error: unknown) =>
      settle({ ok: false, failure: onThrow(error) }),
    );
  });
}

const CANCELLED: ToolFailure = { kind: "cancelled", message: "The call was cancelled." };
const CLOSED: ToolFailure = { kind: "unavailable", message: "The gateway is shutting down." };
