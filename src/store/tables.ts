/**
 * The store's operations as plain synchronous statements on an open database. Only the store's thread uses them; what
 * they read is parsed on the other side, so that this one starts fast and stays small.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { ToolariumError } from "../errors.ts";
import type { JournalEvent, RunStatus } from "../journal.ts";
import { JOURNAL_VERSION } from "./migrations.ts";
import type { RunQuery, RunRecord } from "./store.ts";

/** Runs removed by one statement, so that a large clean-up never holds up the commits of live runs for long. */
const DELETE_BATCH = 100;
const MAX_PAGE = 200;
const RUN_COLUMNS = "id, principal, kind, parent, created_at as createdAt, spec, status";

/** With the columns of `StoredRun`. */
export type RunRow = Readonly<Record<string, unknown>>;

export interface RunRowPage {
  readonly rows: readonly RunRow[];
  readonly nextCursor: string | null;
}

export interface Tables {
  createRun(run: RunRecord): void;
  append(run: string, events: readonly JournalEvent[], status: RunStatus | undefined): void;
  getRun(id: string): RunRow | undefined;
  /** The texts of the events, in seq order. */
  readJournal(run: string, afterSeq: number): readonly string[];
  listRuns(query: RunQuery): RunRowPage;
  /** Removes one batch; 0 means that nothing is left to remove. */
  deleteRunsBefore(epochMs: number): number;
}

export function createTables(db: DatabaseSync): Tables {
  const insertRun = db.prepare(
    `insert into runs (id, principal, kind, parent, created_at, spec, status, last_seq)
     values (?, ?, ?, ?, ?, ?, 'queued', 0) on conflict (id) do nothing`,
  );
  // `last_seq` fences: of two writers of one run, or two tries of one write, only the first finds what it expects.
  const advanceRun = db.prepare(
    "update runs set last_seq = ?, status = coalesce(?, status) where id = ? and last_seq = ? returning key",
  );
  const updateStatus = db.prepare("update runs set status = coalesce(?, status) where id = ?");
  const insertEvent = db.prepare("insert into journal (run, seq, event) values (?, ?, ?)");
  const selectRun = db.prepare(`select ${RUN_COLUMNS} from runs where id = ?`);
  const selectLastSeq = db.prepare("select last_seq from runs where id = ?");
  const selectJournal = db.prepare(
    `select event from journal join runs on runs.key = journal.run
     where runs.id = ? and seq > ? order by seq`,
  );
  const deleteRuns = db.prepare(
    `delete from runs where key in (
       select key from runs where created_at < ? and status in ('completed', 'failed', 'cancelled')
       order by created_at limit ${DELETE_BATCH})`,
  );

  return {
    createRun(run) {
      const { changes } = insertRun.run(run.id, run.principal, run.kind, run.parent, run.createdAt, run.spec);
      if (changes === 0) throw new ToolariumError("internal_error", `There is a run ${run.id} already.`);
    },

    append(run, events, status) {
      const first = events[0];
      if (first === undefined) {
        if (updateStatus.run(status ?? null, run).changes === 0) throw misplaced(run, 0, undefined);
        return;
      }
      const before = first.seq - 1;
      const row = advanceRun.get(before + events.length, status ?? null, run, before);
      const key = row?.["key"];
      if (key === undefined) throw misplaced(run, first.seq, selectLastSeq.get(run)?.["last_seq"]);
      for (const [index, event] of events.entries()) {
        if (event.seq !== first.seq + index) throw misplaced(run, event.seq, before + index);
        insertEvent.run(key, event.seq, JSON.stringify({ v: JOURNAL_VERSION, ...event }));
      }
    },

    getRun(id) {
      return selectRun.get(id);
    },

    readJournal(run, afterSeq) {
      return selectJournal.all(run, afterSeq).map((row) => String(row["event"]));
    },

    listRuns(query) {
      return listRuns(db, query);
    },

    deleteRunsBefore(epochMs) {
      return Number(deleteRuns.run(epochMs).changes);
    },
  };
}

function misplaced(run: string, seq: number, last: unknown): ToolariumError {
  if (last === undefined) return new ToolariumError("not_found", `No run has the id ${run}.`);
  return new ToolariumError(
    "internal_error",
    `Event ${seq} cannot follow event ${last} of ${run}: a run has one writer, and its journal no gaps.`,
  );
}

function listRuns(db: DatabaseSync, query: RunQuery): RunRowPage {
  const { limit } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new ToolariumError("invalid_request", `limit must be 1 to ${MAX_PAGE}, not ${limit}.`, {
      param: "limit",
    });
  const filters: { readonly sql: string; readonly values: readonly SQLInputValue[] }[] = [];
  if (query.kinds !== undefined)
    filters.push({ sql: `kind in (${query.kinds.map(() => "?").join(", ")})`, values: query.kinds });
  for (const column of ["principal", "parent", "status"] as const) {
    const value = query[column];
    if (value !== undefined) filters.push({ sql: `${column} = ?`, values: [value] });
  }
  if (query.cursor !== undefined)
    filters.push({ sql: "(created_at, id) < (?, ?)", values: parseCursor(query.cursor) });
  const where = filters.length === 0 ? "" : `where ${filters.map(({ sql }) => sql).join(" and ")}`;
  // One row more than asked tells whether there is a next page.
  const found = db
    .prepare(`select ${RUN_COLUMNS} from runs ${where} order by created_at desc, id desc limit ?`)
    .all(...filters.flatMap(({ values }) => values), limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > limit && last ? formatCursor(last) : null };
}

/** A place between two runs, not a number of rows to skip: new runs do not move it. */
function formatCursor(row: RunRow): string {
  return Buffer.from(`${row["createdAt"]}/${row["id"]}`).toString("base64url");
}

function parseCursor(cursor: string): readonly [number, string] {
  const match = /^(\d{1,16})\/(.+)$/.exec(Buffer.from(cursor, "base64url").toString());
  const [, createdAt, id] = match ?? [];
  if (createdAt === undefined || id === undefined)
    throw new ToolariumError(
      "invalid_request",
      "cursor is not one that this list gave. Send next_cursor of the previous page, or none.",
      { param: "cursor" },
    );
  return [Number(createdAt), id];
}
