/**
 * Port: which process owns a run. A run has one owner at a time, the process that may append to it and make its calls.
 * At rest it has none: a process claims a run before it changes it, and releases it when it rests again. Every
 * implementation passes `test/runs/live/ownership-contract.ts`.
 */
import { listRunsIn } from "../../store/all-runs.ts";
import { FIRST_TERM, type Store, type StoredRun } from "../../store/store.ts";

/** This process owns the run, for one term. */
export interface Claim {
  /** Passed with every append: see `Store.append`. */
  readonly term: number;
  /** Aborts once another process owns the run. What this process knows of it is outdated then. */
  readonly lost: AbortSignal;
  /**
   * Whether this process still owns the run: checked last, just before a call leaves. The store's fence protects
   * records. Only this check keeps a process that was stopped for a while from making a call that its successor makes
   * too. A promise where another process has to be asked. Once false, it stays false.
   */
  isHeld(): boolean | Promise<boolean>;
  /**
   * Releases the run. Everything appended is written before another claim succeeds. Idempotent; does nothing for a lost
   * claim.
   */
  release(): Promise<void>;
}

/** Another process owns the run. */
export interface OwnedElsewhere {
  readonly ownedBy: string;
  /** Resolves when another claim is worth a try: the run was released, or its owner is gone. Rejects when the signal aborts. */
  released(signal?: AbortSignal): Promise<void>;
}

export interface Ownership {
  /** Claims a run that this process creates: no other process knows of it yet. */
  begin(run: string): Claim;
  /** Of any number of claims on a run at the same time, one succeeds. */
  claim(run: string): Promise<Claim | OwnedElsewhere>;
  /** Runs without an owner that are not at rest. The process that claims one resumes it. */
  wanting(): Promise<readonly StoredRun[]>;
  /** Called when there can be more of those because a process has ended. Returns the function that stops it. */
  onWanting(listener: () => void): () => void;
}

/** For a store that no other process writes to: every claim is granted, and no other process is asked. */
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
