/**
 * One call over the sessions of a server: it waits for a server between two lives, and is made once more on the next
 * session where that can do no harm.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ToolFailure } from "../journal.ts";
import type { Health } from "./health.ts";
import type { CallOutcome } from "./server.ts";
import type { Attempt, McpSession } from "./session.ts";

export interface Callee {
  readonly health: Health;
  /** A live session, or undefined when there is none and none is worth waiting for. */
  session(signal: AbortSignal): Promise<McpSession | undefined>;
  /** Why there is none. */
  unavailable(): ToolFailure;
}

/** Where a call is, for whoever has to say why its time was up. */
export interface Whereabouts {
  /** Sent, and waiting for its answer. */
  atServer: boolean;
  /** Why it could not be sent the last time. */
  unsentBecause: string | undefined;
}

export interface OneCall {
  readonly attempt: (session: McpSession) => Promise<Attempt>;
  /** Whether the tool is read-only or idempotent, by the operator's word. */
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
      // Whatever the tool does, it has not done it.
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
