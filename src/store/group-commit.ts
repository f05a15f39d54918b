/**
 * Group commit: requests that arrive while a commit runs wait in the port; the next turn takes them all, and all their
 * writes share one transaction. The busier the store, the larger the groups.
 */
import type { DatabaseSync } from "node:sqlite";
import { type ErrorCode, ToolariumError } from "../errors.ts";
import type { Tables } from "./tables.ts";
import type { Answer, Envelope, ReadRequest, StoreValues, WriteRequest } from "./thread-protocol.ts";

export interface Group {
  /** Commits the writes among them, then answers the reads: a read sees all that was written before it. */
  run(envelopes: readonly Envelope[]): readonly Answer[];
  /** Commits made so far. */
  commits(): number;
}

export function createGroup(db: DatabaseSync, tables: Tables): Group {
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
  return { id, ok: false, ...describeFailure(error) };
}

/** Errors lose their class on the way between threads. SQLite's own messages name no path and no value. */
export function describeFailure(error: unknown): {
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
