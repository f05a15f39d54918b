/** An open database with all operations on it, and how it recovers after its disk failed. */
import type { DatabaseSync } from "node:sqlite";
import { ToolariumError } from "../../../errors.ts";
import type { Kept } from "../../quota.ts";
import { IN_MEMORY } from "../../settings.ts";
import { openDatabase, readIdentity, unusable } from "./database.ts";
import { createGroup, type Group } from "./group-commit.ts";
import { redo } from "./redo.ts";
import { type StoreFiles, watchStoreFiles } from "./store-files.ts";
import { createTables, type Tables } from "./tables.ts";
import type { Answer, Envelope, StoreThreadOptions } from "./thread-protocol.ts";

export interface StoreFile {
  readonly identity: string;
  /**
   * Writes of an earlier process that were lost: its redo log could not be read there, or they could not be committed.
   */
  readonly lost: number;
  run(envelopes: readonly Envelope[]): {
    readonly answers: readonly Answer[];
    readonly commits: number;
    readonly kept: Kept;
  };
  /** With the usage of all principals. */
  kept(): Kept;
  /**
   * For a store of which a write failed: commits what the redo log has, and tries whether more can be written. Throws
   * the reason when it cannot.
   */
  revive(): void;
  close(): void;
}

interface Opened {
  readonly db: DatabaseSync;
  readonly tables: Tables;
  readonly group: Group;
  readonly identity: string;
  /** `changed`: of principals that wrote since the last call; `all`: of all. */
  kept(which: "changed" | "all"): Kept;
}

/** @throws `config_error` when the file cannot be used */
export function openStoreFile(options: StoreThreadOptions): StoreFile {
  const { path, readOnly } = options;
  let commits = 0;
  let files: StoreFiles | undefined;
  const open = (): Opened => {
    const db = openDatabase(path, options);
    try {
      const tables = createTables(db);
      const group = createGroup(db, tables, () => files?.findFault()?.reason);
      return { db, tables, group, identity: readIdentity(db), kept: createCount(db, tables, options) };
    } catch (error) {
      db.close();
      throw unusable(path, error);
    }
  };
  let opened: Opened | undefined = open();
  // Looked at only now: opening may have created them.
  if (!readOnly && path !== IN_MEMORY) files = watchStoreFiles(path);
  const { identity } = opened;
  const lost = readOnly || path === IN_MEMORY ? 0 : redo(path, opened.db, opened.tables);

  return {
    identity,
    lost,
    run(envelopes) {
      if (opened === undefined) return { answers: envelopes.map(closed), commits, kept: NOTHING };
      const before = opened.group.commits();
      const answers = opened.group.run(envelopes);
      commits += opened.group.commits() - before;
      return { answers, commits, kept: opened.kept("changed") };
    },
    kept: () => opened?.kept("all") ?? NOTHING,
    revive() {
      const fault = files?.findFault();
      if (fault?.type === "replaced") throw new ToolariumError("store_unavailable", fault.reason);
      if (fault?.type === "log_lost") {
        // The last connection to close the database writes the log's pages into it, even from a log without a name.
        opened?.db.close();
        opened = undefined;
      }
      if (opened === undefined) {
        opened = open();
        files?.reopened();
      }
      if (path !== IN_MEMORY) redo(path, opened.db, opened.tables);
      tryToWrite(opened);
    },
    close() {
      opened?.db.close();
    },
  };
}

const closed = ({ id }: Envelope): Answer => ({
  id,
  ok: false,
  code: "store_unavailable",
  message: "The store's file is not open at the moment. Retry later.",
});

/** Room for what a few runs write at once: a disk with less would fail again in a moment. */
const TRIAL_BYTES = 64 * 1024;

/** Tries what runs need: their pages must be whole, and the disk must take more data. */
function tryToWrite({ db, tables }: Opened): void {
  const id = "trial";
  const run = {
    id,
    principal: id,
    kind: "call",
    parent: null,
    createdAt: 0,
    spec: "",
    snapshot: null,
  } as const;
  try {
    db.exec("begin immediate");
    tables.createRun({ ...run, requestKey: null });
    db.exec("rollback");
    db.exec(
      `begin immediate; create table if not exists trial (bytes blob);
       insert into trial values (zeroblob(${TRIAL_BYTES})); commit; drop table trial`,
    );
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
}

const NOTHING: Kept = { bytes: 0, usage: new Map() };

function createCount(db: DatabaseSync, tables: Tables, options: StoreThreadOptions): Opened["kept"] {
  const { countBytes, countUsage } = options;
  const pages = db.prepare(
    `select (page_count - freelist_count) * page_size as bytes
     from pragma_page_count, pragma_freelist_count, pragma_page_size`,
  );
  return (which) => {
    try {
      const counted = tables.takeCounted();
      return {
        bytes: countBytes ? Number(pages.get()?.["bytes"]) : 0,
        usage: countUsage ? tables.readUsage(which === "changed" ? counted : undefined) : NOTHING.usage,
      };
    } catch {
      // The next read or write reports what is wrong.
      return NOTHING;
    }
  };
}
