/**
 * One call over the sessions of a server: waits while the server is between two sessions, and retries once on the next
 * session where a second call does no harm.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ToolFailure } from "../journal.ts";
import type { Health } from "./health.ts";
import type { CallOutcome } from "./server.ts";
import type { Attempt, McpSession } from "./session.ts";

export interface Callee {
  readonly health: Health;
  /** The live session; undefined when there is none, and waiting for one is not worthwhile. */
  session(signal: AbortSignal): Promise<McpSession | undefined>;
  /** The failure that says why there is none. */
  unavailable(): ToolFailure;
}

/** How far a call has come, for the message of its timeout. */
export interface Whereabouts {
  /** Sent, and waiting for its answer. */
  atServer: boolean;
  /** Why the last attempt to send it failed. */
  unsentBecause: string | undefined;
}

export interface OneCall {
  readonly attempt: (session: McpSession) => Promise<Attempt>;
  /** Whether the operator declares the tool read-only or idempotent. */
  readonly isRepeatable: boolean;
  readonly signal: AbortSignal;
  readonly whereabouts: Whereabouts;
}

export async function callOverSessions(callee: Callee, call: OneCall): Promise<CallOutcome> {
  const { attempt, signal, whereabouts } = call;
  let mayRepeat = call.isRepeatable;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    whereabouts.atServer = false;
    const session = await callee.session(signal);
    if (session === undefined) return { ok: false, failure: callee.unavailable() };
    whereabouts.atServer = true;
    const { outcome, trouble } = await attempt(session);
    if (signal.aborted) return outcome;
    if (trouble === undefined) {
      callee.health.answered();
      return outcome;
    }
    const isLost = callee.health.judge(session, trouble);
    if (trouble.kind === "unsent") {
      // An unsent call cannot have done anything.
      whereabouts.atServer = false;
      whereabouts.unsentBecause = trouble.reason;
      if (!(await isLost)) await delay(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    } else {
      if (!mayRepeat || !(trouble.kind === "broken" || (await isLost))) return outcome;
      mayRepeat = false;
    }
  }
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
