/** Stores in files of their own, for tests of what happens to such files. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll } from "vitest";
import { createLog } from "../../src/log.ts";
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from "../../src/store/sqlite/sqlite.ts";
import { until } from "../helpers/until.ts";

export interface StoreFiles {
  /** A path at which there is nothing yet. */
  newPath(): string;
  /** Waits 20 ms for a locked file, unless the options say otherwise. */
  open(path: string, options?: Partial<SqliteStoreOptions>): Promise<SqliteStore>;
}

/** Removes them after the last test of the file. */
export function createStoreFiles(): StoreFiles {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-store-files-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const log = createLog("silent");
  let files = 0;
  return {
    newPath() {
      files += 1;
      return join(folder, `${files}.db`);
    },
    open: (path, options = {}) => openSqliteStore({ path, log, busyMs: 20, ...options }),
  };
}

/** What a write rejects with while the store cannot be written. */
export const unavailable: object = { code: "store_unavailable", retryable: true };

export const untilWell = (store: SqliteStore): Promise<unknown> =>
  until("the store can be written", () => store.health.hindrance === null);

/** Overwrites the page in which this table begins. */
export function damageTable(path: string, table: string): void {
  const db = new DatabaseSync(path);
  db.exec("pragma wal_checkpoint(truncate)");
  const [page, size] = [`select rootpage from sqlite_schema where name = '${table}'`, "pragma page_size"].map(
    (sql) => Number(Object.values(db.prepare(sql).get() ?? {})[0]),
  );
  db.close();
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(64, 0xee), 0, 64, ((page ?? 1) - 1) * (size ?? 0));
  closeSync(file);
}
