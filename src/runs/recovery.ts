/** What an earlier process left in the store, taken up by the one that owns it now. */
import { toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";
import { allRuns, listRunsIn } from "../store/all-runs.ts";
import type { Store, StoredRun } from "../store/store.ts";
import { CallRun } from "./live/call-run.ts";
import type { Carried } from "./live/carriage.ts";
import { endLeft } from "./live/endings.ts";
import { ProgramRun } from "./live/program-run.ts";
import { type RunState, readState } from "./record/run-state.ts";

export interface RecoveryDeps {
  readonly store: Store;
  readonly log: Log;
  /** Carries a run of the store while `act` uses it, and until it is at rest. */
  readonly keep: (run: StoredRun, act: (run: Carried) => Promise<void>) => Promise<unknown>;
  /** Ends a run in its time that waits for a person, unless it is watched already. */
  readonly watch: (id: string, state: RunState) => void;
  /** True once nothing more is to be taken up. */
  readonly stopped: () => boolean;
}

export interface Recovered {
  readonly resumed: number;
  readonly ended: number;
  /** Resolves when all of them have been taken up and are at rest, and all that wait are watched. Never rejects. */
  readonly atRest: Promise<unknown>;
}

/** Runs that are taken up side by side: more would only wait for each other's workers. */
const AT_ONCE = 32;

/**
 * Programs go on, and calls that people decided; what only a client could go on with is ended. Resolves when that has
 * begun. Runs that wait are watched in the background: there may be thousands of them, and a start waits for none.
 */
export async function recoverRuns(deps: RecoveryDeps): Promise<Recovered> {
  const { store } = deps;
  const left: StoredRun[] = [];
  const lost: StoredRun[] = [];
  const sort = async (run: StoredRun): Promise<unknown> =>
    ((await needsClient(run, store)) ? lost : left).push(run);
  for (const run of await listUnfinished(deps)) await sort(run).catch(notTakenUp(run, deps));
  for (const run of lost)
    await deps.keep(run, (carried) => endAbandoned(carried, "gateway")).catch(notTakenUp(run, deps));
  const atRest = Promise.all([takeUpAll(left, deps), watchAll(deps)]);
  return { resumed: left.length, ended: lost.length, atRest };
}

/** One run that was let go while its record could not be kept, as `recoverRuns` does it. */
export async function recoverRun(
  run: StoredRun,
  { store, keep }: Pick<RecoveryDeps, "store" | "keep">,
): Promise<void> {
  if (run.status !== "queued" && run.status !== "running") return;
  const isAbandoned = await needsClient(run, store);
  await keep(run, isAbandoned ? (carried) => endAbandoned(carried, "store") : takeUp);
}

/** A page of the store that cannot be read keeps no gateway from its other runs. */
async function listUnfinished({ store, log }: RecoveryDeps): Promise<readonly StoredRun[]> {
  try {
    return await listRunsIn(store, "queued", "running");
  } catch (error) {
    if (toRefusal(error).code !== "store_damaged") throw error;
    log.error({ err: error }, "runs that an earlier process left unfinished could not be read");
    return [];
  }
}

function notTakenUp({ id }: StoredRun, { log }: Pick<RecoveryDeps, "log">): (error: unknown) => void {
  return (error) => log.error({ err: error, run: id }, "a run could not be taken up");
}

async function watchAll({ store, log, watch, stopped }: RecoveryDeps): Promise<void> {
  try {
    for await (const { id } of allRuns(store, { statuses: ["waiting"] })) {
      if (stopped()) return;
      watch(id, readState(await store.readJournal(id)));
    }
  } catch (error) {
    if (!stopped()) log.error({ err: error }, "runs that wait for people could not be read");
  }
}

async function needsClient({ id, kind }: StoredRun, store: Store): Promise<boolean> {
  if (kind === "program") return false;
  return kind === "call" || readState(await store.readJournal(id)).isAnswering;
}

async function endAbandoned({ journal }: Carried, by: "gateway" | "store"): Promise<void> {
  journal.append(endLeft(journal.state, by));
  await journal.flush();
}

function takeUpAll(runs: readonly StoredRun[], { keep, log, stopped }: RecoveryDeps): Promise<unknown> {
  const queue = runs.values();
  const takeTurns = async (): Promise<void> => {
    for (const run of queue) {
      if (stopped()) return;
      await keep(run, takeUp).catch(notTakenUp(run, { log }));
    }
  };
  return Promise.all(Array.from({ length: AT_ONCE }, takeTurns));
}

async function takeUp(run: Carried): Promise<void> {
  if (run instanceof ProgramRun) run.resume("restart");
  else if (run instanceof CallRun) run.takeUp();
  else run.cancel();
  await run.rest();
}
