/** Lists of runs, newest first. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { checkLimit, formatCursor, parseCursor } from "../../paging.ts";
import type { RunQuery, SummaryQuery } from "../../store.ts";

/** The columns of `StoredRun`. */
export const RUN_COLUMNS =
  "id, principal, kind, parent, created_at as createdAt, spec, snapshot, request_key as requestKey, status";

export type RunRow = Readonly<Record<string, unknown>>;

export interface RunRowPage {
  readonly rows: readonly RunRow[];
  readonly nextCursor: string | null;
}

const CURSOR = /^(\d{1,16})\/(.+)$/;

interface Filter {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** @throws `invalid_request` for an invalid limit or cursor */
export function searchRuns(db: DatabaseSync, query: RunQuery): RunRowPage {
  return search(db, `select ${RUN_COLUMNS} from runs`, query, filtersOf(query));
}

/** The columns of `SummarizedRun`. @throws as `searchRuns` */
export function searchSummaries(
  db: DatabaseSync,
  { asking = false, ...query }: SummaryQuery,
  summaries: "as they are kept" | "as if there were none",
): RunRowPage {
  const isKept = summaries === "as they are kept";
  const { principal, ...rest } = query;
  const filters = filtersOf(asking ? rest : query);
  // Few runs of one principal ask: their status finds them faster than their principal.
  if (asking && principal !== undefined) filters.push({ sql: "+principal = ?", values: [principal] });
  // The journal has the questions of an active run that came after its summary.
  if (asking && isKept)
    filters.push({ sql: "(asked is null or asked > 0 or status = 'running')", values: [] });
  return search(
    db,
    `select id, principal, kind, parent, created_at as createdAt, status,
       ${isKept ? "text" : "null"} as summary
     from runs ${isKept ? "left join summaries on summaries.run = runs.key and summaries.seq = runs.last_seq" : ""}`,
    query,
    filters,
  );
}

function search(
  db: DatabaseSync,
  select: string,
  { limit }: RunQuery,
  filters: readonly Filter[],
): RunRowPage {
  checkLimit(limit);
  const where = filters.length === 0 ? "" : `where ${filters.map(({ sql }) => sql).join(" and ")}`;
  // One row more than was asked for shows whether there is a next page.
  const found = db
    .prepare(`${select} ${where} order by created_at desc, id desc limit ?`)
    .all(...filters.flatMap(({ values }) => values), limit + 1);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > limit && last ? cursorAfter(last) : null };
}

function filtersOf({ principal, parent, kinds, statuses, before, cursor }: RunQuery): Filter[] {
  const filters: Filter[] = [];
  if (principal !== undefined) filters.push({ sql: "principal = ?", values: [principal] });
  if (parent !== undefined) filters.push({ sql: "parent = ?", values: [parent] });
  if (kinds !== undefined) filters.push(isOneOf("kind", kinds));
  if (statuses !== undefined) filters.push(isOneOf("status", statuses));
  if (before !== undefined) filters.push({ sql: "created_at < ?", values: [before] });
  if (cursor !== undefined) {
    const [createdAt, id = ""] = parseCursor(cursor, CURSOR);
    filters.push({ sql: "(created_at, id) < (?, ?)", values: [Number(createdAt), id] });
  }
  return filters;
}

function isOneOf(column: string, values: readonly string[]): Filter {
  return { sql: `${column} in (${values.map(() => "?").join(", ")})`, values };
}

function cursorAfter(row: RunRow): string {
  return formatCursor(Number(row["createdAt"]), String(row["id"]));
}
