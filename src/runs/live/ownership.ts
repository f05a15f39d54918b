/**
 * Port: whose run is it? A run has one owner at a time, the process that may append to it and make its calls. At rest
 * it has none: whoever wants to change it claims it first, and releases it when it rests again. Every implementation
 * passes `test/runs/live/ownership-contract.ts`.
 */
import { listRunsIn } from "../../store/all-runs.ts";
import { FIRST_TERM, type Store, type StoredRun } from "../../store/store.ts";

/** A run is this process's own, for one term. */
export interface Claim {
  /** What every append comes with: see `Store.append`. */
  readonly term: number;
  /** Aborts once another process owns the run. What this one still knows of it is not true any more. */
  readonly lost: AbortSignal;
  /**
   * Whether the run is still owned here: asked last, just before a call leaves. The store's fence keeps records; only
   * this keeps a process that was stopped for a while from making a call that its successor makes, too. A promise where
   * somebody has to be asked. Once it has been false it stays so.
   */
  isHeld(): boolean | Promise<boolean>;
  /** All that was appended is written before anybody else's claim succeeds. Idempotent; of a lost claim it does nothing. */
  release(): Promise<void>;
}

/** Another process owns the run. */
export interface OwnedElsewhere {
  readonly ownedBy: string;
  /** Resolves when another claim is worth a try: the run was released, or its owner is gone. Rejects when the signal aborts. */
  released(signal?: AbortSignal): Promise<void>;
}

export interface Ownership {
  /** For a run that this process creates: nobody else knows of it yet. */
  begin(run: string): Claim;
  /** Of any number that claim a run at the same time one gets it. */
  claim(run: string): Promise<Claim | OwnedElsewhere>;
  /** Runs that nobody owns although they are not at rest: they resume with whoever claims them. */
  wanting(): Promise<readonly StoredRun[]>;
  /** Called when there can be more of those: a process has ended. Returns what ends it. */
  onWanting(listener: () => void): () => void;
}

/** For a store that no other process writes to: every claim is granted, and nothing is asked of anybody. */
export function ownEverything(store: Pick<Store, "listRuns">): Ownership {
  const grant = (): Claim => ({
    term: FIRST_TERM,
    lost: new AbortController().signal,
    isHeld: () => true,
    release: async () => undefined,
  });
  return {
    begin: grant,
    claim: async () => grant(),
    wanting: () => listRunsIn(store, "queued", "running"),
    onWanting: () => () => undefined,
  };
}

export function isElsewhere<T extends object>(found: T | OwnedElsewhere): found is OwnedElsewhere {
  return "ownedBy" in found;
}
