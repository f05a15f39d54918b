/**
 * Port: where runs and journals are kept. Asynchronous and narrow, so that no code above knows which store it is. Every
 * implementation passes `test/store/contract.ts`.
 */
import type { ToolariumError } from "../errors.ts";
import type { JournalEvent, RunStatus } from "../journal.ts";

/** What is fixed when a run is opened. Its journal has everything that happens later. */
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
  /** From `putSnapshot`: a text that this run shares with others. */
  readonly snapshot: string | null;
  /** Identifies a repeated request, within its principal: see `findByRequestKey`. */
  readonly requestKey: string | null;
}

export interface StoredRun extends RunRecord {
  readonly status: RunStatus;
}

/** The term of the process that creates a run: see `Store.append`. */
export const FIRST_TERM = 1;

/** A run that waits for a person or its client. */
export interface WaitingRun {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly waitsSince: number;
}

/** What lists show of a run. The store does not interpret the text. */
export interface StoredSummary {
  readonly text: string;
  /** How many calls of the run wait for a person. */
  readonly asked: number;
}

export interface SummaryQuery extends RunQuery {
  /** Only runs of which a call may wait for a person: those whose summary says so, or that have no summary. */
  readonly asking?: boolean;
}

export interface SummarizedRun
  extends Pick<StoredRun, "id" | "principal" | "kind" | "parent" | "createdAt" | "status"> {
  /** Null when the last append gave none: then only the journal has it. */
  readonly summary: string | null;
}

export interface SummaryPage {
  readonly runs: readonly SummarizedRun[];
  readonly nextCursor: string | null;
}

export interface RunQuery {
  readonly principal?: string;
  /** Absent: any. */
  readonly kinds?: readonly RunRecord["kind"][];
  readonly parent?: string;
  /** Absent: any. */
  readonly statuses?: readonly RunStatus[];
  /** Only runs that were created before this time: milliseconds since the Unix epoch. */
  readonly before?: number;
  /** 1–200. */
  readonly limit: number;
  /** From the previous page's `nextCursor`. */
  readonly cursor?: string;
}

export interface RunPage {
  readonly runs: readonly StoredRun[];
  /** Null on the last page. Runs that are created meanwhile do not shift pages. */
  readonly nextCursor: string | null;
}

/** How a call was decided. A call that waits for a person has no decision yet. */
export type CallDecision = "auto" | "approved" | "denied" | "result";

/** A call must match all filters that are given. */
export interface CallQuery {
  readonly principal?: string | undefined;
  /** A run's id. */
  readonly run?: string | undefined;
  /** The id of a tool, or a pattern over them as in `tools.allow`. */
  readonly tool?: string | undefined;
  readonly server?: string | undefined;
  /** Calls that had this decision at some time; their events tell whether it still holds. */
  readonly decision?: CallDecision | undefined;
  /** Requested at this time or later: milliseconds since the Unix epoch. */
  readonly from?: number | undefined;
  /** Requested before this time. */
  readonly to?: number | undefined;
  /** 1–200. */
  readonly limit: number;
  /** From the previous page's `nextCursor`. */
  readonly cursor?: string | undefined;
}

export interface FoundCall {
  readonly run: Pick<StoredRun, "id" | "principal" | "status">;
  /** 1, 2, 3 … among the calls of its run, in the order in which they were requested. */
  readonly seq: number;
  /** The events of this call alone, in seq order. Texts that are stored outside of them are empty here. */
  readonly events: readonly JournalEvent[];
}

export interface CallPage {
  /** A page that is not the last can have fewer than asked for, even none: a search stops after a while. */
  readonly calls: readonly FoundCall[];
  readonly nextCursor: string | null;
}

/** What was learned of one tool's results, for one principal. */
export interface StoredShape {
  readonly principal: string;
  /** `server/tool`. */
  readonly tool: string;
  /** Identifies the tool's definition when its results were seen: a changed tool begins anew. */
  readonly definition: string;
  /** When the tool last gave a result, roughly: milliseconds since the Unix epoch. */
  readonly seenAt: number;
  /** The store does not interpret it. */
  readonly shape: string;
}

/** Where the stored history of a run is not what was written. */
export interface BrokenRun {
  readonly run: string;
  /** The first event that differs from what was written; 0: the run itself. */
  readonly seq: number;
  /**
   * `changed`: its text differs, or an event was put in or taken out before it; for event 1 perhaps the run's own
   * record differs. `missing`: there is no event of this seq. `end`: the journal was cut off or added to. `payload`: a
   * large text is gone or changed. `snapshot`: the shared text of the run is. `index`: the search index contradicts the
   * journal. `unreadable`: the pages that hold it are damaged.
   */
  readonly problem: "changed" | "missing" | "end" | "payload" | "snapshot" | "index" | "unreadable";
}

/** What a part of a verification checked and found. */
export interface Verified {
  readonly runs: number;
  readonly events: number;
  /** At most one entry per run: what follows the first fault can no longer be judged. */
  readonly broken: readonly BrokenRun[];
  /** What is wrong with the file itself, whichever runs it is in. */
  readonly damage: readonly string[];
}

/** The state of a store, for operators. Null: well, as far as is known. */
export interface StoreHealth {
  /** Why nothing can be written now. The store itself notices when that is over. */
  readonly hindrance: string | null;
  /** What could not be read since the store was opened. The rest is served. */
  readonly damage: string | null;
}

/**
 * Writes of one run are applied in the order in which they were called. A rejected write changes nothing and does not
 * affect other writes. After dispose every call rejects with `disposed`.
 *
 * Which reads see which writes: `getRun`, `readJournal`, `findByRequestKey` and `getSnapshot` see every write of that
 * run, key or text that this process called before. Lists, searches, shapes and `verify` see every write, of any
 * process, that had resolved when they were called. Writes of other processes are seen once they have resolved there.
 */
export interface Store extends AsyncDisposable {
  readonly health: StoreHealth;
  /**
   * Whether its content is there when it is opened again. A store that keeps nothing ends with its process: its runs
   * are then cancelled, not suspended.
   */
  readonly keeps: boolean;
  /**
   * Why no new run of this principal may begin now: `store_unavailable`, `queue_full`, `store_full`. Undefined while
   * one may. `createRun` still takes runs when the store is full: they were let in before.
   */
  refusalFor(principal: string): ToolariumError | undefined;
  /**
   * Called each time that writes succeed again after they had failed; everything that was kept is committed by then.
   * Writes that were refused meanwhile are not: their callers write them again. Returns the function that removes the
   * listener.
   */
  onRevived(listener: () => void): () => void;
  /**
   * Queues the new run, with status `queued`, for the owner of its first term; resolves with its id when it is durable.
   * Writes of one run keep their order without awaiting each. With `once` it creates nothing when a run of the same
   * principal and request key exists, and resolves with the id of the newest of those. Of any number of such calls at
   * the same time, from any process, one creates its run.
   *
   * Rejects at once with `queue_full` while the store is too far behind: load is turned away at new runs, because a run
   * that was accepted must not lose its history.
   */
  createRun(run: RunRecord, options?: { readonly once?: boolean }): Promise<string>;
  /**
   * Appends events and sets the status in the same commit; resolves when durable. Commits are grouped: many runs share
   * one. A gap rejects with `internal_error`: the stored part of a journal is always its beginning. An unknown run
   * rejects with `not_found`.
   *
   * `term` counts the owners of the run, from `FIRST_TERM`; an append of a later one begins it. An append of an earlier
   * term, and one of a seq that exists already, rejects with `run_lost`: the run has another owner, and this writer
   * must release it. A store that keeps writes before it commits them finds that out after `flush` has resolved, so
   * several processes must not share it; in a shared store `flush` is the commit.
   *
   * `waitsSince`: with the status `waiting`, since when the run waits; see `listWaiting`. `summary`: of the run after
   * these events. Without one the run has none, until an append or `putSummary` gives one.
   */
  append(
    run: string,
    term: number,
    events: readonly JournalEvent[],
    status?: RunStatus,
    waitsSince?: number,
    summary?: StoredSummary,
  ): Promise<void>;
  /** Gives a run the summary that it lacks, if this is still its last event. */
  putSummary(run: string, seq: number, summary: StoredSummary): Promise<void>;
  /**
   * Resolves when every write of this run that was called so far is kept: it survives the end of this process, however
   * that comes, and is there when the store is opened next. That can be long before it is durable. Rejects when one of
   * them cannot be kept now. That write can still be there when the store is opened next, like a commit that the disk
   * did not confirm, so no caller may report that it did not happen. A store that keeps nothing resolves at once.
   */
  flush(run: string): Promise<void>;
  getRun(id: string): Promise<StoredRun | undefined>;
  /** In seq order, from `afterSeq` + 1 (default 0). Empty for an unknown run. */
  readJournal(run: string, afterSeq?: number): Promise<readonly JournalEvent[]>;
  /** Newest first. Rejects with `invalid_request` for an invalid limit or cursor. */
  listRuns(query: RunQuery): Promise<RunPage>;
  /** As `listRuns`, with the summary that the last append of each run gave: one look-up for the page. */
  listSummaries(query: SummaryQuery): Promise<SummaryPage>;
  /** Waiting runs, the longest wait first: at most `limit`, and after this one if it is given. */
  listWaiting(limit: number, after?: WaitingRun): Promise<readonly WaitingRun[]>;
  /** The newest run of this principal with this request key. */
  findByRequestKey(principal: string, key: string): Promise<StoredRun | undefined>;
  /**
   * Keeps a text that many runs share, once, and resolves with its hash when it is durable. It stays while a run refers
   * to it, and for at least a day after it was last put. So put it for every run: a text that was put recently is not
   * even sent to the store.
   */
  putSnapshot(text: string): Promise<string>;
  getSnapshot(hash: string): Promise<string | undefined>;
  /**
   * Tool calls with their events, the latest requested first. Rejects with `invalid_request` for an invalid limit or
   * cursor.
   */
  findCalls(query: CallQuery): Promise<CallPage>;
  /**
   * Compares what is stored with the hash chain over it, part by part: of all runs, or of one. `chain.ts` says what the
   * chain can prove and what it cannot.
   */
  verify(run?: string): AsyncIterable<Verified>;
  /**
   * Removes ended runs that were created before this time, with their journals and the texts that no other run refers
   * to. A run that has not ended stays, and so does what belongs to it. Returns how many were removed.
   */
  deleteRunsBefore(epochMs: number): Promise<number>;
  /**
   * Replaces the stored shapes of the same tools by these. `SHAPES_PER_PRINCIPAL` stay for each principal, and
   * `MAX_SHAPES` in all: those whose tools were used last.
   */
  putShapes(shapes: readonly StoredShape[]): Promise<void>;
  /** All of them, in no order. */
  readShapes(): Promise<readonly StoredShape[]>;
  /** Removes shapes of tools that gave no result since this time. */
  deleteShapesBefore(epochMs: number): Promise<void>;
}

/** The tools of some ten large servers. */
export const SHAPES_PER_PRINCIPAL = 500;
/** A typical shape has 1 kB, the largest 15. */
export const MAX_SHAPES = 5_000;
