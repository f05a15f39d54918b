/**
 * Group commit: requests that arrive during a commit wait in the port. The next turn takes them all, and all their
 * writes share one transaction. The busier the store, the larger the groups.
 */
import type { DatabaseSync } from "node:sqlite";
import { ToolariumError } from "../../../errors.ts";
import { describeReadFailure, describeWriteFailure, type Failure } from "./failures.ts";
import type { Tables } from "./tables.ts";
import {
  type Answer,
  type Envelope,
  type ReadRequest,
  type StoreValues,
  type WriteRequest,
  writeOps,
} from "./thread-protocol.ts";

export interface Group {
  /** Commits the writes among them, then answers the reads: a read sees all that was written before it. */
  run(envelopes: readonly Envelope[]): readonly Answer[];
  /** Commits made so far. */
  commits(): number;
}

/** `findFault`: why a commit would be lost although SQLite accepts it; usually undefined. */
export function createGroup(
  db: DatabaseSync,
  tables: Tables,
  findFault: () => string | undefined = () => undefined,
): Group {
  const begin = db.prepare("begin immediate");
  const beginReading = db.prepare("begin");
  const save = db.prepare("savepoint one_write");
  const undo = db.prepare("rollback to one_write");
  const keep = db.prepare("release one_write");
  const commit = db.prepare("commit");
  let commits = 0;

  /**
   * A savepoint makes SQLite copy every page that a write touches first, which can cost more than the write, and failed
   * writes are rare. So all writes run without one. When one fails, the transaction is undone and all run again, each
   * with a savepoint.
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
      const failure = describeWriteFailure(error);
      return writes.map(({ id }) => fail(id, failure));
    }
  };

  const commitAll = (writes: readonly Write[], run: (write: Write) => Answer): readonly Answer[] => {
    try {
      const fault = findFault();
      if (fault !== undefined) throw new ToolariumError("store_unavailable", fault);
      begin.run();
      const answers = writes.map(run);
      commit.run();
      commits += 1;
      return answers;
    } catch (error) {
      leave();
      throw error;
    }
  };

  /** Ends a failed transaction, so that the next one can begin. */
  const leave = (): void => {
    try {
      if (db.isTransaction) db.exec("rollback");
    } catch {
      // SQLite has already ended it by itself.
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
      // A full disk and the like end the whole transaction, and with it every write in it.
      if (!db.isTransaction) throw error;
      undo.run();
      keep.run();
      return fail(envelope.id, describeWriteFailure(error));
    }
  };

  /** Runs all reads under one view of the file: another process may write between two statements of one read. */
  const runReads = (reads: readonly Read[]): readonly Answer[] => {
    if (reads.length === 0) return [];
    try {
      beginReading.run();
      return reads.map((envelope) => runRead(tables, envelope));
    } catch (error) {
      const failure = describeReadFailure(error);
      return reads.map(({ id }) => fail(id, failure));
    } finally {
      // A read that fails badly has already ended the transaction.
      leave();
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

function isWrite(request: WriteRequest | ReadRequest): request is WriteRequest {
  return writeOps.has(request.op);
}

function write(tables: Tables, request: WriteRequest): StoreValues[WriteRequest["op"]] {
  switch (request.op) {
    case "createRun":
      return tables.createRun(request.run, request.once);
    case "append":
      tables.append(request);
      return undefined;
    case "putSummary":
      tables.putSummary(request.run, request.seq, request.summary);
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
    return fail(id, describeReadFailure(error));
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
    case "listSummaries":
      return tables.listSummaries(request.query);
    case "listWaiting":
      return tables.listWaiting(request.limit, request.after);
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

function fail(id: number, failure: Failure): Answer {
  return { id, ok: false, ...failure };
}
