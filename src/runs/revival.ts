/**
 * Runs whose record could not be kept. They are suspended at once, so that nothing more follows from what may be lost;
 * when the store can be written again, what it lacks is written, and they resume from there as after a restart.
 */
import { ToolariumError, toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { Carriage, Carried } from "./carriage.ts";
import { refuseLost } from "./endings.ts";

export interface RevivalDeps {
  readonly store: Pick<Store, "health" | "onRevived">;
  readonly log: Log;
  readonly carriage: Carriage<Carried>;
  /** Takes up a run that nobody carries, as it stands in the store. */
  readonly takeUp: (id: string) => Promise<void>;
}

export interface Revival extends Disposable {
  /** The record of this run cannot be kept. */
  lost(id: string): void;
  /** Nobody uses this run any more, and its record is not kept yet. */
  stranded(run: Carried): void;
}

/** Milliseconds until a record is written again that was refused while the store itself was well. */
const RETRY_MS = 500;

export function createRevival({ store, log, carriage, takeUp }: RevivalDeps): Revival {
  let disposed = false;
  const underWay = new Set<string>();

  async function restore(run: Carried): Promise<void> {
    await run.journal.restore();
    carriage.letGo(run);
    if (!disposed) await takeUp(run.id);
  }

  function stranded(run: Carried): void {
    // Once the store can be written again it says so.
    if (disposed || underWay.has(run.id) || store.health.hindrance !== null) return;
    underWay.add(run.id);
    restore(run)
      .catch((error: unknown) => {
        const { code } = toRefusal(error);
        if (disposed || code === "store_unavailable") return;
        if (code === "queue_full") return void setTimeout(() => stranded(run), RETRY_MS).unref();
        log.error(
          { err: error, run: run.id },
          "the record of this run is lost from where it could not be kept",
        );
        carriage.letGo(run);
      })
      .finally(() => underWay.delete(run.id));
  }

  const stop = store.onRevived(() => {
    for (const run of carriage.stranded()) stranded(run);
  });

  return {
    lost(id) {
      const run = carriage.get(id);
      if (run?.journal.lost !== undefined) run.suspend(refuseLost(run, run.journal.lost));
    },
    stranded,
    [Symbol.dispose]() {
      disposed = true;
      stop();
    },
  };
}

/** @throws `store_unavailable` while nothing can be written: then nothing may begin, and nothing go on */
export function refuseUnwritable({ health: { hindrance } }: Pick<Store, "health">): void {
  if (hindrance !== null) throw new ToolariumError("store_unavailable", hindrance, { retryAfterSeconds: 1 });
}
