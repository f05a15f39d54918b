/**
 * The embedded store: SQLite in a thread of its own. This side only carries requests over, in order, and answers back.
 *
 * Back-pressure: what was called and is not yet durable is the backlog. Above its bound new runs are refused with
 * `queue_full`; appends of accepted runs are always taken, and are bounded by the limits of those runs.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ToolariumError, type ToolariumErrorOptions } from "../errors.ts";
import type { JournalEvent, RunStatus } from "../journal.ts";
import type { Log } from "../log.ts";
import { largeTextLength } from "./large-texts.ts";
import { parseJournalEvent, parseRunRef, parseRunRow } from "./rows.ts";
import { createSnapshotMemory, SNAPSHOT_GRACE_MS } from "./snapshot-memory.ts";
import type {
  Answer,
  Envelope,
  FromThread,
  StoreThreadOptions,
  StoreValues,
  ToThread,
} from "./sqlite-thread.ts";
import type {
  CallPage,
  CallQuery,
  RunPage,
  RunQuery,
  RunRecord,
  Store,
  StoredRun,
  Verified,
} from "./store.ts";
import type { VerifiedPart } from "./verification.ts";

const MIB = 1024 * 1024;

export interface SqliteStoreOptions {
  /** A file, created when absent, or `:memory:`, which keeps nothing. */
  readonly path: string;
  readonly log: Log;
  /** Bytes, roughly, of text that may wait for the disk before new runs are refused. Default 64 MiB. */
  readonly backlogBytes?: number;
  /** Only look, also while a gateway writes to the file, which must be there and of this version. Writes reject. */
  readonly readOnly?: boolean;
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
  const workerData: StoreThreadOptions = { path: options.path, readOnly: options.readOnly ?? false };
  const thread = new Worker(new URL(`./sqlite-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    name: "store",
    workerData,
    env: {},
    // Early versions of Node 24 print a warning when node:sqlite is loaded.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [first]: FromThread[] = await once(thread, "message");
  if (first?.type === "refused") throw new ToolariumError(first.code, first.message);
  return new ThreadedStore(thread, options.log, options.backlogBytes ?? 64 * MIB);
}

type Request = Envelope["request"];

interface Waiting {
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

class ThreadedStore implements SqliteStore {
  readonly #thread: Worker;
  readonly #log: Log;
  readonly #backlogLimit: number;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #putSnapshot = createSnapshotMemory((text) => {
    this.#writes += 1;
    return this.#call({ op: "putSnapshot", text, at: Date.now() }, text.length);
  });
  #unsent: Envelope[] = [];
  #lastId = 0;
  #backlogBytes = 0;
  #writes = 0;
  #commits = 0;
  /** Why no further call is accepted. */
  #refusal: ToolariumError | undefined;
  #disposal: Promise<void> | undefined;

  constructor(thread: Worker, log: Log, backlogLimit: number) {
    this.#thread = thread;
    this.#log = log;
    this.#backlogLimit = backlogLimit;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    thread.on("message", (message: FromThread) => this.#receive(message));
    thread.on("error", (error) => this.#log.error({ err: error }, "the store's thread failed"));
    thread.once("exit", () => {
      this.#abandon();
      resolve();
    });
    // An idle store keeps no process alive; `#call` holds on while something is to be answered.
    thread.unref();
  }

  createRun(run: RunRecord): Promise<void> {
    if (this.#backlogBytes > this.#backlogLimit)
      return Promise.reject(
        new ToolariumError("queue_full", "The store is behind with writing to its disk. Retry later.", {
          retryAfterSeconds: 1,
        }),
      );
    this.#writes += 1;
    return this.#call({ op: "createRun", run }, run.spec.length);
  }

  append(run: string, events: readonly JournalEvent[], status?: RunStatus): Promise<void> {
    this.#writes += 1;
    return this.#call({ op: "append", run, events, status }, weigh(events));
  }

  async getRun(id: string): Promise<StoredRun | undefined> {
    const row = await this.#call({ op: "getRun", id });
    return row && parseRunRow(row);
  }

  async readJournal(run: string, afterSeq = 0): Promise<readonly JournalEvent[]> {
    const { events, payloads } = await this.#call({ op: "readJournal", run, afterSeq });
    return events.map((text) => parseJournalEvent(text, (hash) => payloads.get(hash)));
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const { rows, nextCursor } = await this.#call({ op: "listRuns", query });
    return { runs: rows.map(parseRunRow), nextCursor };
  }

  async findByRequestKey(principal: string, key: string): Promise<StoredRun | undefined> {
    const row = await this.#call({ op: "findByRequestKey", principal, key });
    return row && parseRunRow(row);
  }

  putSnapshot(text: string): Promise<string> {
    return this.#refusal ? Promise.reject(this.#refusal) : this.#putSnapshot(text);
  }

  getSnapshot(hash: string): Promise<string | undefined> {
    return this.#call({ op: "getSnapshot", hash });
  }

  async findCalls(query: CallQuery): Promise<CallPage> {
    const { calls, nextCursor } = await this.#call({ op: "findCalls", query });
    const withoutPayload = (): string => "";
    return {
      calls: calls.map(({ run, seq, events }) => ({
        run: parseRunRef(run),
        seq,
        events: events.map((text) => parseJournalEvent(text, withoutPayload)),
      })),
      nextCursor,
    };
  }

  async *verify(run?: string): AsyncGenerator<Verified, void, void> {
    let after: number | null = -1;
    while (after !== null) {
      const { next, ...part }: VerifiedPart = await this.#call({ op: "verify", after, run });
      yield part;
      after = next;
    }
  }

  async deleteRunsBefore(epochMs: number): Promise<number> {
    let total = 0;
    for (;;) {
      this.#writes += 1;
      const deleted = await this.#call({ op: "deleteRunsBefore", epochMs });
      if (deleted === 0) break;
      total += deleted;
    }
    this.#writes += 1;
    await this.#call({ op: "deleteSnapshotsBefore", epochMs: Date.now() - SNAPSHOT_GRACE_MS });
    return total;
  }

  stats(): SqliteStoreStats {
    return { writes: this.#writes, commits: this.#commits, backlogBytes: this.#backlogBytes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#refusal ??= new ToolariumError("disposed", "This store has been disposed.");
    this.#thread.ref();
    this.#send();
    this.#post({ type: "close" });
    await this.#ended;
  }

  #call<R extends Request>(request: R, bytes = 0): Promise<StoreValues[R["op"]]> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    this.#lastId += 1;
    const id = this.#lastId;
    // All calls of one turn go over in one message.
    if (this.#unsent.length === 0) queueMicrotask(() => this.#send());
    this.#unsent.push({ id, request });
    if (this.#waiting.size === 0) this.#thread.ref();
    this.#backlogBytes += bytes;
    return new Promise((resolve, reject) => {
      // The thread is our own code and answers each request with the value of its kind.
      this.#waiting.set(id, { bytes, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  #send(): void {
    if (this.#unsent.length === 0) return;
    const envelopes = this.#unsent;
    this.#unsent = [];
    try {
      this.#post({ type: "requests", envelopes });
    } catch {
      // One of them holds a value that cannot be sent: only that one is to fail.
      for (const envelope of envelopes) this.#sendAlone(envelope);
    }
  }

  #sendAlone(envelope: Envelope): void {
    try {
      this.#post({ type: "requests", envelopes: [envelope] });
    } catch {
      const message = "The store can keep only plain JSON values.";
      this.#settle({ id: envelope.id, ok: false, code: "internal_error", message });
    }
  }

  #post(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #receive(message: FromThread): void {
    if (message.type !== "answers") return;
    this.#commits = message.commits;
    for (const answer of message.answers) this.#settle(answer);
    if (this.#waiting.size === 0 && !this.#disposal) this.#thread.unref();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    this.#backlogBytes -= waiting.bytes;
    if (answer.ok) waiting.resolve(answer.value);
    else waiting.reject(new ToolariumError(answer.code, answer.message, optionsOf(answer)));
  }

  /** The thread is gone. After dispose nobody waits any more; otherwise it died, and nothing more can be kept. */
  #abandon(): void {
    this.#refusal ??= new ToolariumError("internal_error", "The store's thread ended unexpectedly.");
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#backlogBytes = 0;
    for (const { reject } of waiting) reject(this.#refusal);
  }
}

function optionsOf({ message, param }: Extract<Answer, { ok: false }>): ToolariumErrorOptions {
  return param === undefined ? {} : { param, errors: [{ pointer: `/${param}`, message }] };
}

const EVENT_BYTES = 200;

/** Only the texts that can be large are counted, by their UTF-16 length. */
function weigh(events: readonly JournalEvent[]): number {
  return events.reduce((total, event) => total + EVENT_BYTES + textLength(event), 0);
}

function textLength(event: JournalEvent): number {
  return event.type === "log" ? event.text.length : largeTextLength(event);
}
