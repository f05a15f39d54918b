/**
 * The store's own thread: SQLite calls are synchronous and a commit waits for the disk, so neither may happen on the
 * thread that serves requests.
 *
 * Group commit: requests that arrive while a commit runs wait in the port; the next turn takes them all, and all their
 * writes share one transaction. The busier the store, the larger the groups.
 */
import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type ErrorCode, ToolariumError } from "../errors.ts";
import type { CallRowPage } from "./call-search.ts";
import { claimDatabase, openDatabase, readIdentity } from "./database.ts";
import { redo } from "./redo.ts";
import type { RedoEntry } from "./redo-log.ts";
import type { RunRow, RunRowPage } from "./run-search.ts";
import type { ShapeRow } from "./shapes.ts";
import type { CallQuery, RunQuery, StoredShape } from "./store.ts";
import { createTables, type JournalRows, type Tables } from "./tables.ts";
import type { VerifiedPart } from "./verification.ts";

export interface StoreThreadOptions {
  readonly path: string;
  readonly readOnly: boolean;
}

type WriteRequest =
  | RedoEntry
  | { readonly op: "putSnapshot"; readonly text: string; readonly at: number }
  | { readonly op: "deleteRunsBefore"; readonly epochMs: number }
  | { readonly op: "deleteSnapshotsBefore"; readonly epochMs: number }
  | { readonly op: "putShapes"; readonly shapes: readonly StoredShape[] }
  | { readonly op: "deleteShapesBefore"; readonly epochMs: number };

type ReadRequest =
  | { readonly op: "getRun"; readonly id: string }
  | { readonly op: "readJournal"; readonly run: string; readonly afterSeq: number }
  | { readonly op: "listRuns"; readonly query: RunQuery }
  | { readonly op: "findByRequestKey"; readonly principal: string; readonly key: string }
  | { readonly op: "getSnapshot"; readonly hash: string }
  | { readonly op: "findCalls"; readonly query: CallQuery }
  | { readonly op: "readShapes" }
  | { readonly op: "verify"; readonly after: number; readonly run: string | undefined };

/** What each request is answered with. */
export interface StoreValues {
  createRun: undefined;
  append: undefined;
  putSnapshot: string;
  deleteRunsBefore: number;
  deleteSnapshotsBefore: undefined;
  putShapes: undefined;
  deleteShapesBefore: undefined;
  getRun: RunRow | undefined;
  readJournal: JournalRows;
  listRuns: RunRowPage;
  findByRequestKey: RunRow | undefined;
  getSnapshot: string | undefined;
  findCalls: CallRowPage;
  readShapes: readonly ShapeRow[];
  verify: VerifiedPart;
}

export interface Envelope {
  readonly id: number;
  readonly request: WriteRequest | ReadRequest;
}

export type ToThread =
  | { readonly type: "requests"; readonly envelopes: readonly Envelope[] }
  | { readonly type: "close" };

export type Answer = { readonly id: number } & (
  | { readonly ok: true; readonly value: StoreValues[keyof StoreValues] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly param?: string }
);

export type FromThread =
  | { readonly type: "ready"; readonly identity: string }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "answers"; readonly answers: readonly Answer[]; readonly commits: number };

if (parentPort) serve(parentPort, workerData);

function serve(port: MessagePort, options: StoreThreadOptions): void {
  const post = (message: FromThread): void => port.postMessage(message);
  let claim: DatabaseSync | undefined;
  let db: DatabaseSync;
  let group: Group;
  try {
    claim = options.readOnly ? undefined : claimDatabase(options.path);
    db = openDatabase(options.path, options);
    const tables = createTables(db);
    if (claim) redo(options.path, db, tables);
    group = createGroup(db, tables);
  } catch (error) {
    const { code, message } = describe(error);
    claim?.close();
    post({ type: "refused", code, message });
    port.close();
    return;
  }
  let waiting: Envelope[] = [];

  const drain = (): void => {
    if (waiting.length === 0) return;
    const envelopes = waiting;
    waiting = [];
    post({ type: "answers", answers: group.run(envelopes), commits: group.commits() });
  };

  port.on("message", (message: ToThread) => {
    if (message.type === "close") {
      drain();
      db.close();
      claim?.close();
      port.close();
      return;
    }
    // After the poll phase has delivered everything that is there.
    if (waiting.length === 0) setImmediate(drain);
    for (const envelope of message.envelopes) waiting.push(envelope);
  });
  post({ type: "ready", identity: readIdentity(db) });
}

interface Group {
  /** Commits the writes among them, then answers the reads: a read sees all that was written before it. */
  run(envelopes: readonly Envelope[]): readonly Answer[];
  /** Commits made so far. */
  commits(): number;
}

function createGroup(db: DatabaseSync, tables: Tables): Group {
  const begin = db.prepare("begin immediate");
  const beginReading = db.prepare("begin");
  const save = db.prepare("savepoint one_write");
  const undo = db.prepare("rollback to one_write");
  const keep = db.prepare("release one_write");
  const commit = db.prepare("commit");
  let commits = 0;

  /**
   * Savepoints make every page that a write touches be copied first, which can cost more than the write, and writes
   * that fail are rare. So all go without; when one fails, none of them happened, and all go again with.
   */
  const runWrites = (writes: readonly Write[]): readonly Answer[] => {
    if (writes.length === 0) return [];
    try {
      return commitAll(writes, runUnsaved);
    } catch {
      return runEachSaved(writes);
    }
  };

  const runEachSaved = (writes: readonly Write[]): readonly Answer[] => {
    try {
      return commitAll(writes, runSaved);
    } catch (error) {
      return writes.map(({ id }) => fail(id, error));
    }
  };

  const commitAll = (writes: readonly Write[], run: (write: Write) => Answer): readonly Answer[] => {
    try {
      begin.run();
      const answers = writes.map(run);
      commit.run();
      commits += 1;
      return answers;
    } catch (error) {
      if (db.isTransaction) db.exec("rollback");
      throw error;
    }
  };

  const runUnsaved = ({ id, request }: Write): Answer => ({ id, ok: true, value: write(tables, request) });

  const runSaved = (envelope: Write): Answer => {
    save.run();
    try {
      const answer = runUnsaved(envelope);
      keep.run();
      return answer;
    } catch (error) {
      // A full disk and the like end the whole transaction, and with it everybody's write in it.
      if (!db.isTransaction) throw error;
      undo.run();
      keep.run();
      return fail(envelope.id, error);
    }
  };

  /** Under one view of the file: another process may write to it between two statements of one read. */
  const runReads = (reads: readonly Read[]): readonly Answer[] => {
    if (reads.length === 0) return [];
    beginReading.run();
    try {
      return reads.map((envelope) => runRead(tables, envelope));
    } finally {
      commit.run();
    }
  };

  return {
    run(envelopes) {
      const writes: Write[] = [];
      const reads: Read[] = [];
      for (const { id, request } of envelopes) {
        if (isWrite(request)) writes.push({ id, request });
        else reads.push({ id, request });
      }
      return [...runWrites(writes), ...runReads(reads)];
    },
    commits: () => commits,
  };
}

interface Write {
  readonly id: number;
  readonly request: WriteRequest;
}

interface Read {
  readonly id: number;
  readonly request: ReadRequest;
}

const writeOps: ReadonlySet<string> = new Set<WriteRequest["op"]>([
  "createRun",
  "append",
  "putSnapshot",
  "deleteRunsBefore",
  "deleteSnapshotsBefore",
  "putShapes",
  "deleteShapesBefore",
]);

function isWrite(request: WriteRequest | ReadRequest): request is WriteRequest {
  return writeOps.has(request.op);
}

function write(tables: Tables, request: WriteRequest): StoreValues[WriteRequest["op"]] {
  switch (request.op) {
    case "createRun":
      tables.createRun(request.run);
      return undefined;
    case "append":
      tables.append(request.run, request.events, request.status);
      return undefined;
    case "putSnapshot":
      return tables.putSnapshot(request.text, request.at);
    case "deleteRunsBefore":
      return tables.deleteRunsBefore(request.epochMs);
    case "deleteSnapshotsBefore":
      tables.deleteSnapshotsBefore(request.epochMs);
      return undefined;
    case "putShapes":
      tables.putShapes(request.shapes);
      return undefined;
    case "deleteShapesBefore":
      tables.deleteShapesBefore(request.epochMs);
      return undefined;
  }
}

function runRead(tables: Tables, { id, request }: Read): Answer {
  try {
    return { id, ok: true, value: read(tables, request) };
  } catch (error) {
    return fail(id, error);
  }
}

function read(tables: Tables, request: ReadRequest): StoreValues[ReadRequest["op"]] {
  switch (request.op) {
    case "getRun":
      return tables.getRun(request.id);
    case "readJournal":
      return tables.readJournal(request.run, request.afterSeq);
    case "listRuns":
      return tables.listRuns(request.query);
    case "findByRequestKey":
      return tables.findByRequestKey(request.principal, request.key);
    case "getSnapshot":
      return tables.getSnapshot(request.hash);
    case "findCalls":
      return tables.findCalls(request.query);
    case "readShapes":
      return tables.readShapes();
    case "verify":
      return tables.verify(request.after, request.run);
  }
}

function fail(id: number, error: unknown): Answer {
  return { id, ok: false, ...describe(error) };
}

/** Errors lose their class on the way between threads. SQLite's own messages name no path and no value. */
function describe(error: unknown): {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string;
} {
  if (error instanceof ToolariumError) {
    const { code, message, param } = error;
    return param === undefined ? { code, message } : { code, message, param };
  }
  const reason = error instanceof Error ? error.message : "unknown reason";
  return { code: "internal_error", message: `The store failed: ${reason}.` };
}
