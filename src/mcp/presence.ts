/** Whether a server is there, and whether it is worth waiting for: what a call asks before it is made. */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Health } from "./health.ts";
import type { StartFailure } from "./open-session.ts";
import type { McpSession } from "./session.ts";

export interface Presence {
  readonly session: McpSession | undefined;
  came(session: McpSession): void;
  /** The session is over. */
  left(): void;
  /** A start failed. */
  failed(kind: StartFailure["kind"]): void;
  close(): void;
  /**
   * The live session, or the one that comes next; undefined when none is worth waiting for, or the signal aborts.
   * `timeoutMs`: of the call that asks.
   */
  next(signal: AbortSignal, timeoutMs: number): Promise<McpSession | undefined>;
}

export function createPresence(
  health: Health,
  options: { readonly isProcess: boolean; readonly isRemote: boolean },
): Presence {
  let session: McpSession | undefined;
  let changed = Promise.withResolvers<void>();
  /** How the last start ended; undefined while the first one, or the one after a life, is under way. */
  let failure: StartFailure["kind"] | undefined;
  let hasLived = false;
  let awaySince = performance.now();
  let isClosed = false;
  /** Some processes serve one call and end; unknown until the first call was answered and the next one is here. */
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

  /** A call that follows another one at once would be lost with a process that is just ending. */
  const letItEnd = async (current: McpSession, timeoutMs: number, signal: AbortSignal): Promise<void> => {
    const restMs = Math.min(ENDING_MS, timeoutMs / 4) - sinceAnswer();
    if (endsAfterCalls === false || restMs <= 0) return;
    await raceFor(restMs, current.ended, signal);
    if (current === session) endsAfterCalls ??= false;
  };

  /** A call that failed may have been the first sign of a lost session. */
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
            // A connection that the server has closed by now is not used any more then.
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

/** How long a server that went away is taken for one that comes back. */
const WAIT_MS = 30_000;
/** A verdict that takes longer holds up no call. */
const JUDGING_MS = 1_000;
/** How long a process may take to end after its answer. */
const ENDING_MS = 250;
