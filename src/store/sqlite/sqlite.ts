/**
 * The embedded store: SQLite in a thread of its own. This side only sends requests there, in order, and returns the
 * answers.
 *
 * Back-pressure: what was called and is not yet durable is the backlog. Above its bound new runs are refused with
 * `queue_full`. Appends of accepted runs are always taken; the limits of those runs bound them.
 */
import { ToolariumError } from "../../errors.ts";
import type { JournalEvent, RunStatus } from "../../journal.ts";
import type { Log } from "../../log.ts";
import { largeTextLength } from "../large-texts.ts";
import { createQuota, type Quota } from "../quota.ts";
import { parseJournalEvent, parseRunRef, parseRunRow, parseShapeRow, parseSummaryRow } from "../rows.ts";
import { IN_MEMORY, type StoreSettings } from "../settings.ts";
import { createSnapshotMemory, SNAPSHOT_GRACE_MS } from "../snapshot-memory.ts";
import type {
  CallPage,
  CallQuery,
  RunPage,
  RunQuery,
  RunRecord,
  Store,
  StoredRun,
  StoredShape,
  StoredSummary,
  StoreHealth,
  SummaryPage,
  SummaryQuery,
  Verified,
  WaitingRun,
} from "../store.ts";
import { keepsNothing, openRedoLog, type RedoLog } from "./file/redo-log.ts";
import type { VerifiedPart } from "./file/verification.ts";
import { createOutstanding, type Outstanding } from "./outstanding.ts";
import { type StoreThread, startStoreThread } from "./store-thread.ts";

const MIB = 1024 * 1024;

export interface SqliteStoreOptions extends StoreSettings {
  readonly log: Log;
  /** Bytes, roughly, of text that may wait for the disk before new runs are refused. Default 64 MiB. */
  readonly backlogBytes?: number;
  /** Reads only, also while a gateway writes to the file, which must exist and be of this version. Writes reject. */
  readonly readOnly?: boolean;
  /** Milliseconds to wait for another program that has locked the file. Default 2 s. */
  readonly busyMs?: number;
}

interface SqliteStoreStats {
  /** Since the store was opened. `commits` far below `writes` is group commit at work. */
  readonly writes: number;
  readonly commits: number;
  /** Bytes, roughly, that are not durable yet. */
  readonly backlogBytes: number;
}

export interface SqliteStore extends Store {
  stats(): SqliteStoreStats;
}

/**
 * Rejects with `config_error` when the path cannot be used: a directory, not writable, not a database, damaged, of
 * another program, or of a newer version.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, log, readOnly = false, backlogBytes = 64 * MIB, busyMs } = options;
  const counts = {
    countBytes: options.maxBytes !== undefined,
    countUsage: options.maxBytesPerPrincipal !== undefined,
  };
  const busy = busyMs === undefined ? {} : { busyMs };
  const quota = createQuota(options);
  const thread = await startStoreThread({ path, readOnly, ...counts, ...busy }, { log, note: quota.note });
  const outstanding = createOutstanding(thread, logOf(options, thread.identity));
  return new ThreadedStore(thread, outstanding, { quota, backlogBytes, keeps: path !== IN_MEMORY });
}

/** The redo log that keeps writes before they are committed, where one is needed. */
function logOf(options: SqliteStoreOptions, identity: string): RedoLog | undefined {
  const { path, fsync = false, readOnly = false } = options;
  if (fsync || readOnly) return undefined;
  return path === IN_MEMORY ? keepsNothing : openRedoLog(path, identity);
}

class ThreadedStore implements SqliteStore {
  readonly #thread: StoreThread;
  readonly #outstanding: Outstanding;
  readonly #quota: Quota;
  readonly #backlogBytes: number;
  readonly #putSnapshot = createSnapshotMemory((text) =>
    this.#write({ op: "putSnapshot", text, at: Date.now() }, text.length),
  );
  #writes = 0;

  readonly keeps: boolean;

  constructor(
    thread: StoreThread,
    outstanding: Outstanding,
    {
      quota,
      backlogBytes,
      keeps,
    }: { readonly quota: Quota; readonly backlogBytes: number; readonly keeps: boolean },
  ) {
    this.#thread = thread;
    this.#outstanding = outstanding;
    this.#quota = quota;
    this.#backlogBytes = backlogBytes;
    this.keeps = keeps;
  }

  get health(): StoreHealth {
    const { hindrance, damage } = this.#thread;
    return { hindrance: hindrance?.message ?? null, damage: damage ?? null };
  }

  refusalFor(principal: string): ToolariumError | undefined {
    return this.#hindrance ?? this.#quota.refusalFor(principal);
  }

  /** Why no new write of any principal is taken. */
  get #hindrance(): ToolariumError | undefined {
    const { hindrance, backlogBytes } = this.#thread;
    if (hindrance !== undefined) return hindrance;
    if (backlogBytes > this.#backlogBytes)
      return new ToolariumError("queue_full", "The store is behind with writing to its disk. Retry later.", {
        retryAfterSeconds: 1,
      });
    return undefined;
  }

  onRevived(listener: () => void): () => void {
    return this.#thread.onRevived(listener);
  }

  createRun(run: RunRecord, { once = false } = {}): Promise<string> {
    // A run that was let in while there was room stays.
    const hindrance = this.#hindrance;
    if (hindrance !== undefined) return Promise.reject(hindrance);
    this.#writes += 1;
    const written = this.#outstanding.write(
      run.id,
      { op: "createRun", run, ...(once ? { once } : {}) },
      run.spec.length,
    );
    // The caller needs the result of a `once` before it continues, so the write does not wait for others.
    if (once) this.#thread.hurry();
    return written;
  }

  append(
    run: string,
    term: number,
    events: readonly JournalEvent[],
    status?: RunStatus,
    waitsSince?: number,
    summary?: StoredSummary,
  ): Promise<void> {
    this.#writes += 1;
    const entry = { op: "append", run, term, events, status, waitsSince, summary } as const;
    return this.#outstanding.write(run, entry, weigh(events));
  }

  flush(run: string): Promise<void> {
    return this.#outstanding.flush(run);
  }

  async getRun(id: string): Promise<StoredRun | undefined> {
    const row = await this.#thread.call({ op: "getRun", id });
    return row && this.#read(() => parseRunRow(row));
  }

  async readJournal(run: string, afterSeq = 0): Promise<readonly JournalEvent[]> {
    const { events, payloads } = await this.#thread.call({ op: "readJournal", run, afterSeq });
    return this.#read(() => events.map((text) => parseJournalEvent(text, (hash) => payloads.get(hash))));
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const { rows, nextCursor } = await this.#thread.call({ op: "listRuns", query });
    return this.#read(() => ({ runs: rows.map(parseRunRow), nextCursor }));
  }

  async listSummaries(query: SummaryQuery): Promise<SummaryPage> {
    const { rows, nextCursor } = await this.#thread.call({ op: "listSummaries", query });
    return this.#read(() => ({ runs: rows.map(parseSummaryRow), nextCursor }));
  }

  async putSummary(run: string, seq: number, summary: StoredSummary): Promise<void> {
    await this.#write({ op: "putSummary", run, seq, summary }, summary.text.length);
  }

  listWaiting(limit: number, after?: WaitingRun): Promise<readonly WaitingRun[]> {
    return this.#thread.call({ op: "listWaiting", limit, after });
  }

  async findByRequestKey(principal: string, key: string): Promise<StoredRun | undefined> {
    const row = await this.#thread.call({ op: "findByRequestKey", principal, key });
    return row && this.#read(() => parseRunRow(row));
  }

  putSnapshot(text: string): Promise<string> {
    const { hindrance } = this.#thread;
    return hindrance ? Promise.reject(hindrance) : this.#putSnapshot(text);
  }

  getSnapshot(hash: string): Promise<string | undefined> {
    return this.#thread.call({ op: "getSnapshot", hash });
  }

  async findCalls(query: CallQuery): Promise<CallPage> {
    const { calls, nextCursor } = await this.#thread.call({ op: "findCalls", query });
    const withoutPayload = (): string => "";
    return this.#read(() => ({
      calls: calls.map(({ run, seq, events }) => ({
        run: parseRunRef(run),
        seq,
        events: events.map((text) => parseJournalEvent(text, withoutPayload)),
      })),
      nextCursor,
    }));
  }

  async *verify(run?: string): AsyncGenerator<Verified, void, void> {
    let after: number | null = -1;
    while (after !== null) {
      const { next, ...part }: VerifiedPart = await this.#thread.call({ op: "verify", after, run });
      yield part;
      after = next;
    }
  }

  async deleteRunsBefore(epochMs: number): Promise<number> {
    let total = 0;
    for (;;) {
      const deleted = await this.#write({ op: "deleteRunsBefore", epochMs });
      if (deleted === 0) break;
      total += deleted;
    }
    this.#outstanding.forget();
    await this.#write({ op: "deleteSnapshotsBefore", epochMs: Date.now() - SNAPSHOT_GRACE_MS });
    return total;
  }

  async putShapes(shapes: readonly StoredShape[]): Promise<void> {
    await this.#write({ op: "putShapes", shapes });
  }

  async readShapes(): Promise<readonly StoredShape[]> {
    return (await this.#thread.call({ op: "readShapes" })).flatMap((row) => parseShapeRow(row) ?? []);
  }

  async deleteShapesBefore(epochMs: number): Promise<void> {
    await this.#write({ op: "deleteShapesBefore", epochMs });
  }

  stats(): SqliteStoreStats {
    const { commits, backlogBytes } = this.#thread;
    return { writes: this.#writes, commits, backlogBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
    this.#outstanding.close();
  }

  /** A row that is not one of ours counts as damage, too. */
  #read<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      this.#thread.noteDamage(error);
      throw error;
    }
  }

  #write: StoreThread["call"] = (request, bytes) => {
    this.#writes += 1;
    return this.#thread.call(request, bytes);
  };
}

const EVENT_BYTES = 200;

/** Counts only texts that can be large, by their UTF-16 length. */
function weigh(events: readonly JournalEvent[]): number {
  return events.reduce((total, event) => total + EVENT_BYTES + textLength(event), 0);
}

function textLength(event: JournalEvent): number {
  return event.type === "log" ? event.text.length : largeTextLength(event);
}
