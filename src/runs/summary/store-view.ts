/** What the store gets of a run beside its events, so that lists need not read the events. */
import type { RunStatus } from "../../journal.ts";
import type { StoredSummary } from "../../store/store.ts";
import type { RunState } from "../record/run-state.ts";
import { storedSummary } from "./run-summary.ts";

/** The last arguments of `Store.append`. */
export type ToldView = readonly [
  status: RunStatus | undefined,
  waitsSince: number | undefined,
  summary: StoredSummary | undefined,
];

export interface StoreView {
  /** With an append up to the present state: what has changed since the last one. */
  changed(): ToldView;
  /** Everything, for a store that may have missed something. */
  whole(): ToldView;
}

/** `state`: as the store has it now; it changes with the run. `createdAt`: milliseconds since the Unix epoch. */
export function createStoreView(state: RunState, createdAt: number): StoreView {
  let told = { status: state.status, asked: state.askedVersion };
  const whole = (): ToldView => {
    const { status, askedVersion, waitsSince } = state;
    told = { status, asked: askedVersion };
    return [status, status === "waiting" ? waitsSince : undefined, storedSummary(state, createdAt)];
  };
  return {
    whole,
    changed() {
      const { status, askedVersion } = state;
      // While the run is active, its summary changes only when other calls need approval: its owner has the rest in
      // memory. A run that waits again may wait since another time.
      if (status !== "running" || askedVersion !== told.asked) return whole();
      const isKnown = status === told.status;
      told = { status, asked: askedVersion };
      return [isKnown ? undefined : status, undefined, undefined];
    },
  };
}
