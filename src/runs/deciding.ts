/** A person's decision on a call of a run that is owned here, and what follows from it. */
import { ToolariumError } from "../errors.ts";
import type { StoredRun } from "../store/store.ts";
import type { Bridge } from "../tools/gate/bridge.ts";
import type { DecidedRun, Elsewhere } from "./elsewhere.ts";
import type { Decided, Decision } from "./live/active-run.ts";
import { decideCall } from "./live/approvals.ts";
import { isAsked, narrowReport, seesWhole, type Viewer } from "./live/deciders.ts";
import { isTakenOver, refuseLost } from "./live/endings.ts";
import { orLost, settlementOf } from "./live/outcomes.ts";
import type { Loan, OwnedRun } from "./live/owned-runs.ts";
import { callIdOf } from "./record/ids.ts";
import type { Report } from "./record/report-shape.ts";

export interface DecidingDeps {
  readonly bridge: Bridge;
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
  readonly elsewhere: Elsewhere;
}

/**
 * Resolves when the decision is durable; the run resumes from there, and the loan is returned when it rests. Rejects as
 * `decideCall`, and with `run_lost` when another process owns the run by now.
 */
export async function decideLent(
  loan: Loan<OwnedRun>,
  { call, decision, layers = [] }: Pick<Decision, "call" | "decision" | "layers">,
  { bridge, callTimeoutMs: timeoutMs, elsewhere }: DecidingDeps,
): Promise<DecidedRun> {
  const { run } = loan;
  try {
    if (run.decidable === null)
      throw new ToolariumError("decision_conflict", "The calls of this run cannot be decided.");
    await orLost(run, decideCall(run.decidable, { call, decision, layers, timeoutMs }, bridge));
  } catch (error) {
    loan[Symbol.dispose]();
    throw error;
  }
  const settled = settlementOf(run.journal, callIdOf(call)).catch((error: unknown) => {
    if (isTakenOver(error)) return elsewhere.settlement(run.id, call);
    throw run.journal.lost === undefined ? error : refuseLost(run, run.journal.lost);
  });
  const rest = async (): Promise<Report> => {
    using _ = loan;
    await run.rest();
    return elsewhere.endAnywhere(run);
  };
  return watched({ report: () => elsewhere.report(run.id), done: rest(), settled });
}

/** Marks both promises as handled: a rejection that nobody awaits does not end the process. */
export function watched(decided: DecidedRun): DecidedRun {
  decided.done.catch(() => undefined);
  decided.settled.catch(() => undefined);
  return decided;
}

/** The decision with its reports narrowed to what the viewer may read. */
export function seenBy(viewer: Viewer, stored: StoredRun, { report, done, settled }: DecidedRun): Decided {
  const seen = (whole: Report): Report =>
    seesWhole(stored, viewer) ? whole : narrowReport(whole, (tool) => isAsked(stored, tool, viewer));
  return watched({ settled, done: done.then(seen), report: async () => seen(await report()) });
}
