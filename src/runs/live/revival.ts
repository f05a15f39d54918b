/**
 * Runs whose record could not be kept. They are suspended at once, so that nothing follows from events that may be
 * lost, and their waiters get an error. When the store can be written again, it gets what it lacks, and the runs resume
 * as after a restart. Runs that another process owns resume there; here they are let go.
 */
import { ToolariumError, toRefusal } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Store } from "../../store/store.ts";
import { isTakenOver, refuseLost } from "./endings.ts";
import type { OwnedRun, OwnedRuns } from "./owned-runs.ts";

export interface RevivalDeps {
  readonly store: Pick<Store, "health" | "onRevived">;
  readonly log: Log;
  readonly owned: OwnedRuns<OwnedRun>;
  /** Takes up a run without an owner, as it stands in the store. */
  readonly takeUp: (id: string) => Promise<void>;
}

export interface Revival extends Disposable {
  /** Call when the record of this run cannot be kept. */
  lost(id: string): void;
  /** Call when nobody uses this run any more and its record is not kept yet. */
  stranded(run: OwnedRun): void;
}

/** Milliseconds until a refused record is written again, while the store itself is well. */
const RETRY_MS = 500;

const RETRIED: ReadonlySet<string> = new Set(["store_unavailable", "queue_full"]);

export function createRevival({ store, log, owned, takeUp }: RevivalDeps): Revival {
  let disposed = false;
  const underWay = new Set<string>();

  const later = (act: () => void): void => void setTimeout(act, RETRY_MS).unref();

  function sayLost(id: string, error: unknown): void {
    log.error({ err: error, run: id }, "the record of this run is lost from where it could not be kept");
  }

  /** Retries until it succeeds: when the store fails again, it reports no run that is not owned here. */
  async function resume(id: string): Promise<void> {
    if (disposed) return;
    await takeUp(id).catch((error: unknown) => {
      if (!toRefusal(error).retryable) throw error;
      later(() => void resume(id).catch((cause: unknown) => sayLost(id, cause)));
    });
  }

  /** Waits for calls under way: a call would be in doubt if its run resumed before the call's outcome is known. */
  async function restore(run: OwnedRun): Promise<void> {
    await run.quiet();
    await run.journal.restore();
  }

  function stranded(run: OwnedRun): void {
    // The store reports when it can be written again.
    if (disposed || underWay.has(run.id) || store.health.hindrance !== null) return;
    underWay.add(run.id);
    restore(run)
      // A run that is taken up can be stranded again.
      .finally(() => underWay.delete(run.id))
      .then(() => {
        owned.letGo(run);
        return resume(run.id);
      })
      .catch((error: unknown) => {
        if (disposed) return;
        // The store may have recovered during this attempt: then it will not report that again.
        if (RETRIED.has(toRefusal(error).code)) return later(() => stranded(run));
        sayLost(run.id, error);
        owned.letGo(run);
      });
  }

  const stop = store.onRevived(() => {
    for (const run of owned.stranded()) stranded(run);
  });

  return {
    lost(id) {
      const run = owned.get(id);
      const reason = run?.journal.lost;
      if (run === undefined || reason === undefined) return;
      if (!isTakenOver(reason)) return run.strand(refuseLost(run, reason));
      // The new owner has its record, and does not wait for what is under way here.
      owned.giveUp(run);
    },
    stranded,
    [Symbol.dispose]() {
      disposed = true;
      stop();
    },
  };
}

/** @throws `store_unavailable` while nothing can be written: then no run may begin or resume */
export function refuseUnwritable({ health: { hindrance } }: Pick<Store, "health">): void {
  if (hindrance !== null) throw new ToolariumError("store_unavailable", hindrance, { retryAfterSeconds: 1 });
}
