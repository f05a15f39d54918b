/** Commits what an ended process left in its redo log, before anything else is done with the database. */
import type { DatabaseSync } from "node:sqlite";
import { readIdentity } from "./database.ts";
import { clearRedoLog, type RedoEntry, readRedoLog } from "./redo-log.ts";
import type { Tables } from "./tables.ts";

/** Repeating it changes nothing. Throws `config_error` when the log cannot be read. */
export function redo(path: string, db: DatabaseSync, tables: Tables): void {
  const entries = readRedoLog(path, readIdentity(db));
  if (entries.length > 0) {
    db.exec("begin immediate");
    try {
      for (const entry of entries) redoOne(entry, tables);
      db.exec("commit");
    } catch (error) {
      if (db.isTransaction) db.exec("rollback");
      throw error;
    }
  }
  clearRedoLog(path);
}

/** Most of it was committed before the process ended. */
function redoOne(entry: RedoEntry, tables: Tables): void {
  if (entry.op === "createRun") {
    const { id, snapshot } = entry.run;
    // The database may have been put back to an earlier state: what it lacks since then is lost.
    const isWhole = snapshot === null || tables.getSnapshot(snapshot) !== undefined;
    if (isWhole && tables.getRun(id) === undefined) tables.createRun(entry.run);
    return;
  }
  const last = tables.lastSeq(entry.run);
  const missing = entry.events.filter(({ seq }) => seq > last);
  // A run that is not there was deleted since. What would leave a gap was refused when it was first written.
  if (missing[0]?.seq === last + 1) tables.append(entry.run, missing, entry.status);
}
