/**
 * What lists show of each run: a row beside the journal, written by the run's owner in the transaction that appends,
 * and valid only while its event is the last one. Damage to these rows loses nothing: runs work without them, and lists
 * read the journals.
 */
import type { DatabaseSync } from "node:sqlite";
import type { StoredSummary, SummaryQuery } from "../../store.ts";
import { describeReadFailure } from "./failures.ts";
import { type RunRowPage, searchSummaries } from "./run-search.ts";

export interface SummaryTable {
  /** Within the transaction that appends. `run`: its key; `seq`: of its last event. */
  setSummary(run: number, seq: number, summary: StoredSummary): void;
  putSummary(run: string, seq: number, summary: StoredSummary): void;
  listSummaries(query: SummaryQuery): RunRowPage;
}

export function createSummaryTable(db: DatabaseSync): SummaryTable {
  const columns = "insert into summaries (run, seq, asked, text)";
  const replace =
    "on conflict do update set seq = excluded.seq, asked = excluded.asked, text = excluded.text";
  const set = db.prepare(`${columns} values (?, ?, ?, ?) ${replace}`);
  const put = db.prepare(
    `${columns} select key, last_seq, ?, ? from runs where id = ? and last_seq = ? ${replace}`,
  );
  return {
    setSummary: (run, seq, { asked, text }) =>
      unlessDamaged(
        () => void set.run(run, seq, asked, text),
        () => undefined,
      ),
    putSummary: (run, seq, { asked, text }) => void put.run(asked, text, run, seq),
    listSummaries: (query) =>
      unlessDamaged(
        () => searchSummaries(db, query, "as they are kept"),
        () => searchSummaries(db, query, "as if there were none"),
      ),
  };
}

function unlessDamaged<T>(act: () => T, otherwise: () => T): T {
  try {
    return act();
  } catch (error) {
    if (describeReadFailure(error).code !== "store_damaged") throw error;
    return otherwise();
  }
}
