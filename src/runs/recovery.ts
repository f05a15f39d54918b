/** The end of a run that no process carries any more. */

import { defaultLimits } from "../../sandbox/index.ts";
import type { Journal } from "./live-journal.ts";
import { effectsOf } from "./program-run.ts";
import { deriveReport } from "./report.ts";

/** Appends the end, with what the journal can still tell; does nothing to a run that has ended. */
export function endAbandoned(journal: Journal, message: string): void {
  const { events, status } = journal;
  if (status === "completed" || status === "failed" || status === "cancelled") return;
  const head = { id: "", createdAt: events[0]?.at ?? 0, limits: defaultLimits, diagnostics: [] };
  const { usage } = deriveReport(head, events);
  const error = { code: "cancelled", message, effects: effectsOf(events) } as const;
  journal.append({ type: "ended", status: "cancelled", result: null, error, usage });
}
