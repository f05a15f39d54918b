/** Runs without an owner that are not at rest: an earlier process left them, or another process that has ended. */
import { toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { endLeft } from "./live/endings.ts";
import type { Loan, OwnedRun } from "./live/owned-runs.ts";
import type { Ownership } from "./live/ownership.ts";
import { readState } from "./record/run-state.ts";

export interface RecoveryDeps {
  readonly store: Pick<Store, "readJournal">;
  readonly log: Log;
  readonly ownership: Pick<Ownership, "wanting">;
  /** Undefined when another process owns the run by now, or when it is in use here. */
  readonly claim: (run: StoredRun) => Promise<Loan<OwnedRun> | undefined>;
  /** True once no more runs may be taken up. */
  readonly stopped: () => boolean;
}

export interface Recovered {
  readonly resumed: number;
  readonly ended: number;
  /** Resolves when all of them have been taken up and are at rest. Never rejects. */
  readonly atRest: Promise<unknown>;
}

/** Runs that are taken up in parallel: more would only wait for each other's workers. */
const AT_ONCE = 32;

/**
 * Resumes programs, and calls that people decided; ends what only a client could resume. Resolves when that has begun.
 */
export async function recoverRuns(deps: RecoveryDeps): Promise<Recovered> {
  const left: StoredRun[] = [];
  const lost: StoredRun[] = [];
  const sort = async (run: StoredRun): Promise<unknown> =>
    ((await needsClient(run, deps.store)) ? lost : left).push(run);
  for (const run of await listWanting(deps)) await sort(run).catch(notTakenUp(run, deps));
  for (const run of lost) await recoverRun(run, deps, "gateway").catch(notTakenUp(run, deps));
  return { resumed: left.length, ended: lost.length, atRest: takeUpAll(left, deps) };
}

/** Takes up one of them. `by`: why its client got no answer, for a run that only its client could resume. */
export async function recoverRun(
  run: StoredRun,
  { claim }: Pick<RecoveryDeps, "claim">,
  by: "gateway" | "store",
): Promise<void> {
  using loan = await claim(run);
  if (loan === undefined) return;
  const { journal } = loan.run;
  const { state, status } = journal;
  if (status !== "queued" && status !== "running") return;
  if (run.kind === "program" || (run.kind === "chat" && !state.isAnswering)) {
    loan.run.takeUp();
    await loan.run.rest();
    return;
  }
  journal.append(endLeft(state, by));
  await journal.flush();
}

/** A page of the store that cannot be read does not keep the gateway from its other runs. */
async function listWanting({ ownership, log }: RecoveryDeps): Promise<readonly StoredRun[]> {
  try {
    return await ownership.wanting();
  } catch (error) {
    if (toRefusal(error).code !== "store_damaged") throw error;
    log.error({ err: error }, "runs that an earlier process left unfinished could not be read");
    return [];
  }
}

function notTakenUp({ id }: StoredRun, { log }: Pick<RecoveryDeps, "log">): (error: unknown) => void {
  return (error) => log.error({ err: error, run: id }, "a run could not be taken up");
}

async function needsClient({ id, kind }: StoredRun, store: RecoveryDeps["store"]): Promise<boolean> {
  if (kind === "program") return false;
  return kind === "call" || readState(await store.readJournal(id)).isAnswering;
}

function takeUpAll(runs: readonly StoredRun[], deps: RecoveryDeps): Promise<unknown> {
  const queue = runs.values();
  const takeTurns = async (): Promise<void> => {
    for (const run of queue) {
      if (deps.stopped()) return;
      await recoverRun(run, deps, "gateway").catch(notTakenUp(run, deps));
    }
  };
  return Promise.all(Array.from({ length: AT_ONCE }, takeTurns));
}
