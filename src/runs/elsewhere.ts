/** Reports of runs that another process owns, read from the records that their owner writes. */
import { ToolariumError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { isTakenOver } from "./live/endings.ts";
import type { Followers } from "./live/followers.ts";
import { endOf } from "./live/outcomes.ts";
import type { OwnedRun } from "./live/owned-runs.ts";
import type { RunReader } from "./read/reading.ts";
import { type SettledCall, settlementIn } from "./record/call-result.ts";
import { callIdOf } from "./record/ids.ts";
import type { Report } from "./record/report-shape.ts";
import { readState } from "./record/run-state.ts";

export interface ElsewhereDeps {
  readonly store: Pick<Store, "readJournal">;
  readonly followers: Followers;
  readonly reader: Pick<RunReader, "report">;
}

/** The result of a decision, whichever process owns the run. */
export interface DecidedRun {
  /** The report as it stands now. */
  report(): Promise<Report>;
  /** The report once the run has ended or waits again. */
  readonly done: Promise<Report>;
  /** How the call was settled; undefined when its run ended first. */
  readonly settled: Promise<SettledCall | undefined>;
}

/** Its reports are whole. Callers narrow them to what their viewer may see. */
export interface Elsewhere {
  report(id: string): Promise<Report>;
  /** The report once the run has ended or waits. */
  end(id: string): Promise<Report>;
  /** How a decided call was settled. Resolves when it is, or when its run has ended or waits. */
  settlement(id: string, call: string): Promise<SettledCall | undefined>;
  /** The result of a decision that the run's owner has recorded. */
  decided(id: string, call: string): DecidedRun;
  /** `endOf` for a run that was owned here. When another process has taken the run over, follows it there. */
  endAnywhere(run: OwnedRun): Promise<Report>;
}

export function createElsewhere({ store, followers, reader }: ElsewhereDeps): Elsewhere {
  async function end(id: string): Promise<Report> {
    for await (const _ of followers.follow(id));
    return report(id);
  }

  async function report(id: string): Promise<Report> {
    const known = await reader.report(id, { principal: "", admin: true });
    if (known === undefined) throw new ToolariumError("not_found");
    return known;
  }

  async function settlement(id: string, call: string): Promise<SettledCall | undefined> {
    for await (const event of followers.follow(id))
      if (event.type === "settled" && event.call === callIdOf(call)) break;
    return settlementIn(readState(await store.readJournal(id)), callIdOf(call));
  }

  return {
    report,
    end,
    settlement,
    decided: (id, call) => ({ report: () => report(id), done: end(id), settled: settlement(id, call) }),
    async endAnywhere(run) {
      try {
        return await endOf(run);
      } catch (error) {
        if (!isTakenOver(error)) throw error;
        return end(run.id);
      }
    },
  };
}
