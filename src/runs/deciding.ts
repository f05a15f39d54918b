/** What follows when a person decides a call of a stored run, whoever carries it. */
import { ToolariumError } from "../errors.ts";
import type { StoredRun } from "../store/store.ts";
import type { Bridge } from "../tools/gate/bridge.ts";
import type { Decided, Decision } from "./live/active-run.ts";
import { decideCall } from "./live/approvals.ts";
import type { Carried } from "./live/carriage.ts";
import { isAsked, narrowReport, seesWhole } from "./live/deciders.ts";
import { endOf, orLost, settlementOf } from "./live/outcomes.ts";
import { callIdOf } from "./record/ids.ts";
import type { Report } from "./record/report-shape.ts";

export interface DecidingDeps {
  readonly bridge: Bridge;
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
  /** Carries the run while `act` uses it, and until it is at rest. */
  readonly keep: (act: (run: Carried) => Promise<Report>) => Promise<Report | undefined>;
  /** Its report as it stands. */
  readonly report: () => Promise<Report>;
}

/** See `Runner.decide`. */
export async function decideStored(
  stored: StoredRun,
  { call, decision, viewer, layers = [] }: Decision,
  { bridge, callTimeoutMs: timeoutMs, keep, report }: DecidingDeps,
): Promise<Decided> {
  const decided = Promise.withResolvers<Pick<Decided, "settled">>();
  const done = keep(async (run) => {
    if (run.decidable === null)
      throw new ToolariumError("decision_conflict", "The calls of this run cannot be decided.");
    await orLost(run, decideCall(run.decidable, { call, decision, layers, timeoutMs }, bridge));
    const settled = orLost(run, settlementOf(run.journal, callIdOf(call)));
    settled.catch(() => undefined);
    decided.resolve({ settled });
    await run.rest();
    return endOf(run);
  });
  done.then(() => undefined, decided.reject);
  const { settled } = await decided.promise;
  const seen = (whole: Report): Report =>
    seesWhole(stored, viewer) ? whole : narrowReport(whole, (tool) => isAsked(stored, tool, viewer));
  const current = async (): Promise<Report> => seen(await report());
  const told = done.then((end) => (end === undefined ? current() : seen(end)));
  told.catch(() => undefined);
  return { settled, done: told, report: current };
}
