/** Finds tool calls by the search index, and reads their events from the journal. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { patternMatcher, serverOf } from "../../../tools/patterns.ts";
import { checkLimit, formatCursor, parseCursor } from "../../paging.ts";
import type { CallQuery } from "../../store.ts";
import { decisionBit } from "./call-index.ts";
import type { RunRow } from "./run-search.ts";

/** Index rows that one search reads. Commits of live runs wait for a search, so it may take only milliseconds. */
const SCANNED_ROWS = 5_000;
const CURSOR = /^(\d{1,16}(?:\.\d{1,6})?)\/([\w-]{1,40})\/(\d{1,9})$/;

/** The texts of the call's events, in seq order. */
export interface CallRowFound {
  readonly run: RunRow;
  readonly seq: number;
  readonly events: readonly string[];
}

export interface CallRowPage {
  readonly calls: readonly CallRowFound[];
  readonly nextCursor: string | null;
}

interface Candidate {
  readonly run: number;
  readonly n: number;
  readonly seq: number;
  readonly at: number;
  readonly tool: string;
  readonly decisions: number;
}

interface Candidates {
  readonly found: readonly Candidate[];
  /** The last row that was read, when there are more. */
  readonly stoppedAt: Candidate | undefined;
}

/** @throws `invalid_request` for an invalid limit or cursor */
export function createCallSearch(db: DatabaseSync): (query: CallQuery) => CallRowPage {
  const selectRun = db.prepare("select id, principal, status from runs where key = ?");
  const countCalls = db.prepare("select count(*) as calls from calls where run = ? and seq <= ?");
  const selectEvents = db.prepare(
    `select n, event from journal
     where run = ? and seq >= ? and n in (select value from json_each(?)) order by seq`,
  );

  /** The events of several calls of one run, by the calls' numbers. Reads the run's journal once. */
  const readEvents = (run: number, calls: readonly Candidate[]): ReadonlyMap<number, string[]> => {
    const events = new Map(calls.map(({ n }): [number, string[]] => [n, []]));
    const first = Math.min(...calls.map(({ seq }) => seq));
    for (const row of selectEvents.all(run, first, JSON.stringify([...events.keys()])))
      events.get(Number(row["n"]))?.push(String(row["event"]));
    return events;
  };

  return (query) => {
    checkLimit(query.limit);
    const { found, stoppedAt } = findCandidates(db, query);
    const runs = new Map(
      [...Map.groupBy(found, ({ run }) => run)].map(([run, calls]) => [
        run,
        { row: selectRun.get(run) ?? {}, events: readEvents(run, calls) },
      ]),
    );
    return {
      calls: found.map(({ run, n, seq }) => ({
        run: runs.get(run)?.row ?? {},
        seq: Number(countCalls.get(run, seq)?.["calls"]),
        events: runs.get(run)?.events.get(n) ?? [],
      })),
      nextCursor: stoppedAt
        ? formatCursor(stoppedAt.at, String(selectRun.get(stoppedAt.run)?.["id"]), stoppedAt.n)
        : null,
    };
  };
}

function findCandidates(db: DatabaseSync, query: CallQuery): Candidates {
  const { sql, values } = toSql(query);
  const matchesTool = query.tool === undefined ? () => true : patternMatcher([query.tool]);
  const bit = query.decision === undefined ? undefined : decisionBit(query.decision);
  const found: Candidate[] = [];
  let last: Candidate | undefined;
  let scanned = 0;
  for (const row of db.prepare(sql).iterate(...values)) {
    if (found.length === query.limit || scanned === SCANNED_ROWS) return { found, stoppedAt: last };
    scanned += 1;
    last = row as unknown as Candidate;
    if (matchesTool(last.tool) && (bit === undefined || (last.decisions & bit) !== 0)) found.push(last);
  }
  return { found, stoppedAt: undefined };
}

/** Conditions that an index can answer. The others are checked row by row. */
function toSql(query: CallQuery): { readonly sql: string; readonly values: readonly SQLInputValue[] } {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const when = (sql: string, ...given: readonly SQLInputValue[]): void => {
    conditions.push(sql);
    values.push(...given);
  };
  const server = query.server ?? serverOfAll(query.tool);
  // A run has few calls, its owner perhaps a million: the plus keeps SQLite from using the index of owners.
  const plus = query.run === undefined ? "" : "+";
  if (query.run !== undefined) when("run = (select key from runs where id = ?)", query.run);
  if (query.principal !== undefined) when(`${plus}principal = ?`, query.principal);
  if (server !== undefined) when(`${plus}server = ?`, server);
  if (query.from !== undefined) when("at >= ?", query.from);
  if (query.to !== undefined) when("at < ?", query.to);
  if (query.cursor !== undefined) {
    const [at, run = "", n] = parseCursor(query.cursor, CURSOR);
    // Retention may have removed that run, with all older ones: then nothing follows.
    when("(at, run, n) < (?, (select key from runs where id = ?), ?)", Number(at), run, Number(n));
  }
  const where = conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
  const sql = `select run, n, seq, at, tool, decisions from calls ${where} order by at desc, run desc, n desc`;
  return { sql, values };
}

/** The server of all tools that a pattern matches, if there is one. */
function serverOfAll(pattern: string | undefined): string | undefined {
  if (pattern === undefined || !pattern.includes("/")) return undefined;
  const server = serverOf(pattern);
  return server.includes("*") ? undefined : server;
}
