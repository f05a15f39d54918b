/**
 * Port: where runs and journals live. Asynchronous and narrow, so that nothing above knows which store it is.
 * Every implementation passes `test/store/contract.ts`.
 */
import type { JournalEvent, RunStatus } from "../journal.ts";

/** What is fixed when a run is opened. Everything that happens later is in its journal. */
export interface RunRecord {
  /** `run_` + 22 base64url characters: 128 random bits. */
  readonly id: string;
  readonly principal: string;
  /** `program` = one program; `chat` = one chat request in any mode, whose programs have it as parent; `call` = one explicit call. */
  readonly kind: "program" | "chat" | "call";
  readonly parent: string | null;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** JSON text of everything else that is fixed: program, input, policy, catalog version, limits, diagnostics. */
  readonly spec: string;
}

export interface StoredRun extends RunRecord {
  readonly status: RunStatus;
}

export interface RunQuery {
  readonly principal?: string;
  /** Absent: any. */
  readonly kinds?: readonly RunRecord["kind"][];
  readonly parent?: string;
  readonly status?: RunStatus;
  /** 1–200. */
  readonly limit: number;
  /** From the previous page's `nextCursor`. */
  readonly cursor?: string;
}

export interface RunPage {
  readonly runs: readonly StoredRun[];
  /** Null on the last page. Runs that are created meanwhile move no page. */
  readonly nextCursor: string | null;
}

/**
 * Writes are applied in the order in which they were called, and a read sees every write called before it. A write
 * that rejects changed nothing and harms no other. After dispose every call rejects with `disposed`.
 */
export interface Store extends AsyncDisposable {
  /**
   * Queues the new run, with status `queued`; resolves when it is durable. Writes of one run keep their order without
   * awaiting each. Rejects at once with `queue_full` while the store is too far behind: new runs are where load is
   * turned away, because a run that was accepted must not lose its history.
   */
  createRun(run: RunRecord): Promise<void>;
  /**
   * Appends events and sets the status in the same commit; resolves when durable. Commits are grouped: many runs
   * share one. A seq that already exists rejects (a run has one writer), and so does one that leaves a gap: what is
   * stored of a journal is always its beginning. An unknown run rejects with `not_found`.
   */
  append(run: string, events: readonly JournalEvent[], status?: RunStatus): Promise<void>;
  getRun(id: string): Promise<StoredRun | undefined>;
  /** In seq order, from `afterSeq` + 1 (default 0). Empty for an unknown run. */
  readJournal(run: string, afterSeq?: number): Promise<readonly JournalEvent[]>;
  /** Newest first. Rejects with `invalid_request` for a limit or cursor that cannot be. */
  listRuns(query: RunQuery): Promise<RunPage>;
  /** Removes ended runs, and their journals, that were created before this time. Returns how many. */
  deleteRunsBefore(epochMs: number): Promise<number>;
}
