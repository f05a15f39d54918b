/** Whether a server is there, and whether a call should wait for it. */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Health } from "./health.ts";
import type { StartFailure } from "./open-session.ts";
import type { McpSession } from "./session.ts";

export interface Presence {
  readonly session: McpSession | undefined;
  came(session: McpSession): void;
  /** The session has ended. */
  left(): void;
  /** A start failed. */
  failed(kind: StartFailure["kind"]): void;
  close(): void;
  /**
   * The live session, or the next one; undefined when waiting is not worthwhile, or the signal aborts. `timeoutMs`: the
   * timeout of the call that asks.
   */
  next(signal: AbortSignal, timeoutMs: number): Promise<McpSession | undefined>;
}

export function createPresence(
  health: Health,
  options: { readonly isProcess: boolean; readonly isRemote: boolean },
): Presence {
  let session: McpSession | undefined;
  let changed = Promise.withResolvers<void>();
  /** How the last start ended; undefined during the first start, and during the first after a session. */
  let failure: StartFailure["kind"] | undefined;
  let hasLived = false;
  let awaySince = performance.now();
  let isClosed = false;
  /**
   * Whether the process serves one call and exits. Unknown until the first call was answered and the next one arrives.
   */
  let endsAfterCalls: boolean | undefined = options.isProcess ? undefined : false;

  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const isWorthWaiting = (): boolean => {
    if (isClosed || failure === "lasting" || (failure === "exited" && !hasLived)) return false;
    return failure === undefined && !hasLived ? true : performance.now() - awaySince < WAIT_MS;
  };
  const sinceAnswer = (): number => performance.now() - health.answeredAt;

  const raceFor = async (ms: number, event: Promise<unknown>, signal: AbortSignal): Promise<void> => {
    const over = new AbortController();
    const any = AbortSignal.any([signal, over.signal]);
    await Promise.race([event, delay(ms, undefined, { signal: any, ref: false }).catch(() => {})]);
    over.abort();
  };

  /** Waits for a process that may exit after its answer: a call sent right then would be lost. */
  const letItEnd = async (current: McpSession, timeoutMs: number, signal: AbortSignal): Promise<void> => {
    const restMs = Math.min(ENDING_MS, timeoutMs / 4) - sinceAnswer();
    if (endsAfterCalls === false || restMs <= 0) return;
    await raceFor(restMs, current.ended, signal);
    if (current === session) endsAfterCalls ??= false;
  };

  /** Waits for a running probe: an earlier failed call may have been the first sign of a lost session. */
  const letItBeJudged = async (current: McpSession, signal: AbortSignal): Promise<void> => {
    const verdict = health.doubt(current);
    if (verdict !== undefined) await raceFor(JUDGING_MS, verdict, signal);
  };

  return {
    get session() {
      return session;
    },
    came: (next) => {
      session = next;
      failure = undefined;
      hasLived = true;
      void next.ended.then(() => {
        if (options.isProcess && sinceAnswer() < ENDING_MS) endsAfterCalls = true;
        if (session === next) session = undefined;
        awaySince = performance.now();
        tell();
      });
      tell();
    },
    left: () => {
      session = undefined;
    },
    failed: (kind) => {
      failure = kind;
      tell();
    },
    close: () => {
      isClosed = true;
      session = undefined;
      tell();
    },
    next: async (signal, timeoutMs) => {
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal.aborted) {
          const current = session;
          if (current === undefined) {
            if (!isWorthWaiting()) return undefined;
            await Promise.race([changed.promise, aborted.promise]);
          } else {
            await letItEnd(current, timeoutMs, signal);
            await letItBeJudged(current, signal);
            // By the next turn a connection that the server has closed is known as closed, and not used.
            if (options.isRemote) await nextTurn();
            if (current === session) return current;
          }
        }
        return undefined;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

/** Milliseconds for which a server that went away is expected to return. */
const WAIT_MS = 30_000;
/** Milliseconds that a call waits for a probe at most. */
const JUDGING_MS = 1_000;
/** Milliseconds that a process may take to exit after its answer. */
const ENDING_MS = 250;
