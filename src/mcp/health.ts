/**
 * Judges from its calls whether a connected server works. A failed call affects only itself; after it the server is
 * asked for its tools, and the session counts as lost when that fails too.
 */

import type { McpSession } from "./session.ts";
import { describeConnectionError, type Trouble } from "./wire/connection-errors.ts";

export interface Health {
  /** Notes that a call was answered. */
  answered(): void;
  /** When a call was last answered, by `performance.now()`. */
  readonly answeredAt: number;
  /**
   * Notes a failed call. Resolves with whether the session is lost; then it has ended, or is about to. Never rejects.
   */
  judge(session: McpSession, trouble: Trouble): Promise<boolean>;
  /** The running probe of a session, if there is one. */
  doubt(session: McpSession): Promise<boolean> | undefined;
  /** Why the server is not called ready although it is connected; undefined when it is. */
  complaint(): string | undefined;
}

/** `closed` ends every probe. */
export function createHealth(closed: AbortSignal): Health {
  let failedInRow = 0;
  let probeAt = 1;
  let lastReason: string | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  const probes = new WeakMap<McpSession, Promise<boolean>>();

  const probe = async (session: McpSession): Promise<boolean> => {
    try {
      await session.list(AbortSignal.any([closed, AbortSignal.timeout(PROBE_MS)]));
      // The server works, so the calls may be wrong: later failures lead to fewer and fewer probes.
      probeAt = 2 * failedInRow;
      return false;
    } catch (error) {
      probeAt = failedInRow + 1;
      session.lose(describeConnectionError(error));
      return true;
    } finally {
      probes.delete(session);
    }
  };

  return {
    answered: () => {
      failedInRow = 0;
      probeAt = 1;
      answeredAt = performance.now();
    },
    get answeredAt() {
      return answeredAt;
    },
    judge: async (session, { kind, reason }) => {
      failedInRow += 1;
      lastReason = reason;
      if (kind === "ended") {
        await session.ended;
        return true;
      }
      if (kind === "unknown-session") {
        session.lose("it no longer knows this session");
        return true;
      }
      const running = probes.get(session);
      // Many servers report a tool's failure this way, so one such error is no sign of a lost session.
      const needed = kind === "refused" ? Math.max(2, probeAt) : probeAt;
      if (running === undefined && failedInRow < needed) return false;
      const verdict = running ?? probe(session);
      if (running === undefined) probes.set(session, verdict);
      return verdict;
    },
    doubt: (session) => probes.get(session),
    complaint: () =>
      failedInRow < FAILURES_OF_A_BAD_SERVER
        ? undefined
        : `its last ${failedInRow} calls failed: ${lastReason}`,
  };
}

/** More than the failures that it takes to find a lost session. */
const FAILURES_OF_A_BAD_SERVER = 3;
const PROBE_MS = 10_000;
