/** What clients are told of runs, as far as their records can be kept. */
import { type SettledCall, settlementIn } from "../record/call-result.ts";
import type { Report } from "../record/report-shape.ts";
import { refuseLost } from "./endings.ts";
import type { Journal } from "./live-journal.ts";
import type { OwnedRun } from "./owned-runs.ts";

/**
 * The report of a run at rest, once it is kept.
 * @throws `store_unavailable` or `store_damaged`, with the run, when its record cannot be kept
 */
export async function endOf(run: OwnedRun): Promise<Report> {
  await orLost(run, run.journal.flush());
  return run.report();
}

/** Replaces any failure by the reason why the run's record cannot be kept, if there is one. */
export function orLost<T>(run: OwnedRun, act: Promise<T>): Promise<T> {
  return act.catch((error: unknown) => {
    throw run.journal.lost === undefined ? error : refuseLost(run, run.journal.lost);
  });
}

/** How a call was settled; undefined when its run ends first. */
export async function settlementOf(journal: Journal, call: string): Promise<SettledCall | undefined> {
  for await (const event of journal.subscribe(0, "end"))
    if (event.type === "settled" && event.call === call) return settlementIn(journal.state, call);
  return undefined;
}
