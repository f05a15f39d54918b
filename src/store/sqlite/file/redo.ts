/** Commits what an ended process left in its redo log, before any other work on the database. */
import type { DatabaseSync } from "node:sqlite";
import { readIdentity } from "./database.ts";
import { describeWriteFailure } from "./failures.ts";
import { clearRedoLog, keepDamagedRedoLog, type RedoEntry, readRedoLog } from "./redo-log.ts";
import type { Tables } from "./tables.ts";

/**
 * Repeating it changes nothing. Returns how many writes were lost, because their line or the page they belong to is
 * damaged: then the log is left beside the database under another name.
 *
 * Throws what keeps all of them from being committed, and `config_error` when the log cannot be read; then the log
 * stays as it is.
 */
export function redo(path: string, db: DatabaseSync, tables: Tables): number {
  const { entries, damaged } = readRedoLog(path, readIdentity(db));
  let lost = damaged;
  if (entries.length > 0) {
    try {
      inOneCommit(db, () => {
        for (const entry of entries) redoOne(entry, tables);
      });
    } catch (error) {
      if (describeWriteFailure(error).code === "store_unavailable") throw error;
      lost += redoApart(entries, db, tables);
    }
  }
  if (lost > 0) keepDamagedRedoLog(path);
  clearRedoLog(path);
  return lost;
}

/** Commits each entry on its own: one that meets a damaged page does not take the others with it. */
function redoApart(entries: readonly RedoEntry[], db: DatabaseSync, tables: Tables): number {
  let lost = 0;
  for (const entry of entries) {
    try {
      inOneCommit(db, () => redoOne(entry, tables));
    } catch (error) {
      if (describeWriteFailure(error).code === "store_unavailable") throw error;
      lost += 1;
    }
  }
  return lost;
}

function inOneCommit(db: DatabaseSync, act: () => void): void {
  try {
    db.exec("begin immediate");
    act();
    db.exec("commit");
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
}

/** Commits what is missing of an entry. Most entries were committed before the process ended. */
function redoOne(entry: RedoEntry, tables: Tables): void {
  if (entry.op === "createRun") {
    const { id, snapshot } = entry.run;
    // The database may have been put back to an earlier state: what it lacks since then is lost.
    const isWhole = snapshot === null || tables.getSnapshot(snapshot) !== undefined;
    if (isWhole && tables.getRun(id) === undefined) tables.createRun(entry.run, entry.once);
    return;
  }
  const last = tables.lastSeq(entry.run);
  const missing = entry.events.filter(({ seq }) => seq > last);
  // A run that is absent was deleted since. An append that would leave a gap was refused when it was first written.
  if (missing[0]?.seq === last + 1) tables.append({ ...entry, events: missing });
}
