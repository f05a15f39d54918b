/**
 * The store's operations as synchronous statements on an open database. Only the store's thread uses them. The other
 * side parses what they read, so that this one starts fast and stays small.
 */
import type { DatabaseSync } from "node:sqlite";
import { ToolariumError } from "../../../errors.ts";
import type { JournalEvent } from "../../../journal.ts";
import { chainNext, chainStart, sha256 } from "../../chain.ts";
import { moveLargeTexts } from "../../large-texts.ts";
import { JOURNAL_VERSION } from "../../rows.ts";
import { type CallQuery, FIRST_TERM, type RunQuery, type RunRecord, type WaitingRun } from "../../store.ts";
import { callNumberOf, createCallIndex } from "./call-index.ts";
import { type CallRowPage, createCallSearch } from "./call-search.ts";
import type { RedoEntry } from "./redo-log.ts";
import { RUN_COLUMNS, type RunRow, type RunRowPage, searchRuns } from "./run-search.ts";
import { createShapeTable, type ShapeTable } from "./shapes.ts";
import { createSummaryTable, type SummaryTable } from "./summaries.ts";
import { createUsageTable, EVENT_ROW_BYTES, RUN_ROW_BYTES, type UsageTable } from "./usage.ts";
import { createVerifier, type Verifier } from "./verification.ts";

/** Runs removed by one statement, so that a large clean-up does not hold up the commits of live runs for long. */
const DELETE_BATCH = 100;
const ENDED = "('completed', 'failed', 'cancelled')";

export interface JournalRows {
  /** The texts of the events, in seq order. */
  readonly events: readonly string[];
  /** The texts that are kept outside of them, by hash. */
  readonly payloads: ReadonlyMap<string, string>;
}

export interface Tables
  extends Verifier,
    ShapeTable,
    Pick<SummaryTable, "putSummary" | "listSummaries">,
    Omit<UsageTable, "count"> {
  /** See `Store.createRun`. */
  createRun(run: RunRecord, once?: boolean): string;
  append(entry: Omit<Extract<RedoEntry, { readonly op: "append" }>, "op">): void;
  getRun(id: string): RunRow | undefined;
  /** Of its last event; 0 before the first. NaN for an unknown run. */
  lastSeq(run: string): number;
  readJournal(run: string, afterSeq: number): JournalRows;
  listRuns(query: RunQuery): RunRowPage;
  listWaiting(limit: number, after: WaitingRun | undefined): readonly WaitingRun[];
  findByRequestKey(principal: string, key: string): RunRow | undefined;
  findCalls(query: CallQuery): CallRowPage;
  /** Returns the text's hash. */
  putSnapshot(text: string, at: number): string;
  getSnapshot(hash: string): string | undefined;
  /** Removes one batch; returns 0 when nothing is left to remove. */
  deleteRunsBefore(epochMs: number): number;
  /** Removes those that no run refers to and that were last put before this time. */
  deleteSnapshotsBefore(epochMs: number): void;
}

export function createTables(db: DatabaseSync): Tables {
  const { count, ...usage } = createUsageTable(db);
  const { setSummary, ...summaries } = createSummaryTable(db);
  return {
    ...createRunTable(db, count),
    ...createJournalTable(db, count, setSummary),
    ...summaries,
    ...usage,
    ...createSnapshotTable(db),
    ...createVerifier(db),
    ...createShapeTable(db),
    findCalls: createCallSearch(db),
  };
}

type RunTable = Pick<
  Tables,
  "createRun" | "getRun" | "listRuns" | "listWaiting" | "findByRequestKey" | "deleteRunsBefore"
>;

function createRunTable(db: DatabaseSync, count: UsageTable["count"]): RunTable {
  const insertRun = db.prepare(
    `insert into runs (id, principal, kind, parent, created_at, spec, snapshot, request_key, head, bytes, status, last_seq)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0) on conflict (id) do nothing`,
  );
  const hasSnapshot = db.prepare("select 1 from snapshots where hash = ?");
  const selectRun = db.prepare(`select ${RUN_COLUMNS} from runs where id = ?`);
  const selectByRequestKey = db.prepare(
    `select ${RUN_COLUMNS} from runs where principal = ? and request_key = ?
     order by created_at desc, id desc limit 1`,
  );
  const selectWaiting = db.prepare(
    `select id, waits_since as waitsSince from runs
     where waits_since is not null and (waits_since, id) > (?, ?) order by waits_since, id limit ?`,
  );
  // What an unfinished run started is deleted with that run, not before it.
  const deleteRuns = db.prepare(
    `delete from runs where key in (
       select key from runs as old where created_at < ? and status in ${ENDED}
       and not exists (select 1 from runs where id = old.parent and status not in ${ENDED})
       order by created_at limit ${DELETE_BATCH}) returning principal, bytes`,
  );

  return {
    createRun(run, once = false) {
      const { id, principal, kind, parent, createdAt, spec, snapshot, requestKey } = run;
      const known = once ? selectByRequestKey.get(principal, requestKey) : undefined;
      if (known !== undefined) return String(known["id"]);
      if (snapshot !== null && !hasSnapshot.get(snapshot))
        throw new ToolariumError("internal_error", `There is no snapshot ${snapshot} for ${id} to refer to.`);
      const start = chainStart(run);
      const bytes = RUN_ROW_BYTES + Buffer.byteLength(spec);
      const { changes } = insertRun.run(
        id,
        principal,
        kind,
        parent,
        createdAt,
        spec,
        snapshot,
        requestKey,
        start,
        bytes,
      );
      if (changes === 0) throw new ToolariumError("internal_error", `There is a run ${id} already.`);
      count(principal, bytes);
      return id;
    },
    getRun: (id) => selectRun.get(id),
    listRuns: (query) => searchRuns(db, query),
    listWaiting: (limit, after) =>
      selectWaiting
        .all(after?.waitsSince ?? -1, after?.id ?? "", limit)
        .map(({ id, waitsSince }) => ({ id: String(id), waitsSince: Number(waitsSince) })),
    findByRequestKey: (principal, key) => selectByRequestKey.get(principal, key),
    deleteRunsBefore(epochMs) {
      const removed = deleteRuns.all(epochMs);
      for (const { principal, bytes } of removed) count(String(principal), -Number(bytes));
      return removed.length;
    },
  };
}

type JournalTable = Pick<Tables, "append" | "lastSeq" | "readJournal">;

function createJournalTable(
  db: DatabaseSync,
  count: UsageTable["count"],
  setSummary: SummaryTable["setSummary"],
): JournalTable {
  const selectEnd = db.prepare("select key, principal, last_seq, head, term from runs where id = ?");
  const advanceRun = db.prepare(
    `update runs set term = ?1, last_seq = ?2, head = ?3, bytes = bytes + ?4,
     status = coalesce(?5, status), waits_since = iif(?5 is null, waits_since, ?6) where key = ?7`,
  );
  const insertEvent = db.prepare("insert into journal (run, seq, n, event, hash) values (?, ?, ?, ?, ?)");
  const insertPayload = db.prepare("insert into payloads (hash, text) values (?, ?) on conflict do nothing");
  const insertUse = db.prepare(
    `insert into payload_uses (run, payload) select ?, key from payloads where hash = ? on conflict do nothing`,
  );
  const selectEvents = db.prepare(
    `select event from journal join runs on runs.key = journal.run
     where runs.id = ? and seq > ? order by seq`,
  );
  const selectPayloads = db.prepare(
    `select payloads.hash, payloads.text from runs join payload_uses on payload_uses.run = runs.key
     join payloads on payloads.key = payload_uses.payload where runs.id = ?`,
  );
  const index = createCallIndex(db);

  /** Returns the text that the event's row holds, and the bytes that the run takes with it. */
  const store = (run: number, event: JournalEvent): { readonly text: string; readonly bytes: number } => {
    let bytes = EVENT_ROW_BYTES;
    const stored = moveLargeTexts(event, (hash, text, size) => {
      insertPayload.run(hash, text);
      if (insertUse.run(run, hash).changes > 0) bytes += size;
    });
    const text = JSON.stringify({ v: JOURNAL_VERSION, ...stored });
    return { text, bytes: bytes + Buffer.byteLength(text) };
  };

  return {
    append({ run: id, term = FIRST_TERM, events, status, waitsSince, summary }) {
      const run = selectEnd.get(id);
      if (!run) throw new ToolariumError("not_found", `No run has the id ${id}.`);
      const key = Number(run["key"]);
      const principal = String(run["principal"]);
      if (term < Number(run["term"]))
        throw lost(id, `term ${term} is over, and another process owns the run.`);
      let added = 0;
      let seq = Number(run["last_seq"]);
      let head = String(run["head"]);
      for (const event of events) {
        // Of two writers of one run, or two attempts at one write, only the first finds the seq that it expects.
        if (event.seq <= seq) throw lost(id, `event ${event.seq} is there already: a run has one writer.`);
        if (event.seq > seq + 1) throw gap(id, event.seq, seq);
        seq = event.seq;
        const { text, bytes } = store(key, event);
        added += bytes;
        head = chainNext(head, text);
        insertEvent.run(key, seq, callNumberOf(event), text, head);
        index.add(key, principal, seq, event);
      }
      const since = status === "waiting" ? (waitsSince ?? null) : null;
      advanceRun.run(term, seq, head, added, status ?? null, since, key);
      if (summary !== undefined) setSummary(key, seq, summary);
      if (added > 0) count(principal, added);
    },

    lastSeq: (run) => Number(selectEnd.get(run)?.["last_seq"]),

    readJournal(run, afterSeq) {
      const payloads = selectPayloads.all(run);
      return {
        events: selectEvents.all(run, afterSeq).map((row) => String(row["event"])),
        payloads: new Map(payloads.map(({ hash, text }) => [String(hash), String(text)])),
      };
    },
  };
}

function lost(run: string, why: string): ToolariumError {
  return new ToolariumError("run_lost", `Nothing can be appended to ${run} any more: ${why}`);
}

function gap(run: string, seq: number, last: number): ToolariumError {
  return new ToolariumError(
    "internal_error",
    `Event ${seq} cannot follow event ${last} of ${run}: a journal has no gaps.`,
  );
}

type SnapshotTable = Pick<Tables, "putSnapshot" | "getSnapshot" | "deleteSnapshotsBefore">;

function createSnapshotTable(db: DatabaseSync): SnapshotTable {
  const insert = db.prepare(
    `insert into snapshots (hash, put_at, text) values (?, ?, ?)
     on conflict do update set put_at = max(put_at, excluded.put_at)`,
  );
  const select = db.prepare("select text from snapshots where hash = ?");
  const deleteUnused = db.prepare(
    "delete from snapshots where put_at < ? and not exists (select 1 from runs where snapshot = snapshots.hash)",
  );
  return {
    putSnapshot(text, at) {
      const hash = sha256(text);
      insert.run(hash, at, text);
      return hash;
    },
    getSnapshot(hash) {
      const row = select.get(hash);
      return row && String(row["text"]);
    },
    deleteSnapshotsBefore(epochMs) {
      deleteUnused.run(epochMs);
    },
  };
}
