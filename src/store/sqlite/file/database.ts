/**
 * Opens the SQLite file: creates it for its owner only, checks that it is ours and of a version we know, and brings its
 * schema up to date. Every obstacle is a `config_error` that says what to do.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ToolariumError } from "../../../errors.ts";
import { IN_MEMORY } from "../../settings.ts";
import { migrations } from "./migrations.ts";

/** Marks a file as ours in its header, so that another program's database is never migrated: the bytes of `Tlrm`. */
const APPLICATION_ID = 0x546c726d;
/** How long to wait for another process that holds the file, in milliseconds. */
const BUSY_MS = 2_000;
/**
 * Pages after which SQLite empties its write-ahead log: one megabyte. With its default of four megabytes the log alone
 * can fill a small disk, and then there is no room to empty it into the database.
 */
const LOG_PAGES = 250;

/**
 * `path` is a file, created when absent, or `:memory:`.
 *
 * Write-ahead log with `synchronous = full`: a commit returns after its log was flushed to the disk, so it survives the
 * death of this process and of the machine. After a power loss it survives exactly if the disk keeps what it said it
 * flushed; a disk that lies can lose the last commits, never the file.
 */
export function openDatabase(
  path: string,
  options: { readonly readOnly: boolean; readonly busyMs?: number },
): DatabaseSync {
  if (options.readOnly) return openForReading(path);
  const location = path === IN_MEMORY ? path : resolve(path);
  if (location !== IN_MEMORY) createFile(location, path);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(location, { timeout: options.busyMs ?? BUSY_MS });
    db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on");
    db.exec(`pragma wal_autocheckpoint = ${LOG_PAGES}`);
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw unusable(path, error);
  }
}

/**
 * Makes this process the only one that writes to the file, until the file is closed or the process is gone, however it
 * ended: a run has one writer, and a process that starts takes up unfinished runs. SQLite holds the lock on the small
 * file beside the database, and the system itself releases it with the process.
 *
 * @throws `config_error` when another process has it, after waiting for one that is just ending
 */
export function claimDatabase(path: string, busyMs: number = BUSY_MS): DatabaseSync | undefined {
  if (path === IN_MEMORY) return undefined;
  const location = `${resolve(path)}-owner`;
  createFile(location, path);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(location, { timeout: busyMs });
    lock.exec("pragma journal_mode = memory; begin exclusive");
    return lock;
  } catch (error) {
    lock?.close();
    throw refuse(path, "is in use by another gateway. Stop that one, or choose another file.", {
      cause: error,
    });
  }
}

/** 128 random bits that tell this database from an earlier or later one at the same path. */
export function readIdentity(db: DatabaseSync): string {
  return String(db.prepare("select id from identity").get()?.["id"]);
}

/** For a process other than the one that writes: creates nothing and migrates nothing. */
function openForReading(path: string): DatabaseSync {
  if (path === IN_MEMORY) throw refuse(path, "is kept by no file, so there is nothing to read. Name a file.");
  if (!existsSync(path)) throw refuse(path, "does not exist. Choose another file.");
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(resolve(path), { readOnly: true, timeout: BUSY_MS });
    const version = checkOwner(db, path);
    if (version === migrations.length) return db;
    throw refuse(
      path,
      `was written by an older version (schema ${version}; this version reads ${migrations.length}). ` +
        "Start the gateway on it once to bring it up to date.",
    );
  } catch (error) {
    db?.close();
    throw unusable(path, error);
  }
}

/** SQLite would create it too, but readable for everybody and with one message for every fault. */
function createFile(location: string, path: string): void {
  try {
    closeSync(openSync(location, "a", 0o600));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw refuse(path, fileProblems[code] ?? `cannot be opened for writing (${code}). Choose another file.`, {
      cause: error,
    });
  }
}

const fileProblems: { readonly [code: string]: string } = {
  EISDIR: "is a directory. Name a file in it.",
  ENOENT: "is in a directory that does not exist. Create the directory, or choose another file.",
  ENOTDIR: "is not inside a directory: a part of the path is a file. Choose another path.",
  EACCES: "cannot be written by this user. Give it the right to, or choose another file.",
  EPERM: "cannot be written by this user. Give it the right to, or choose another file.",
  EROFS: "is on a read-only file system. Choose another file.",
  ENOSPC: "cannot be created because the disk is full. Free space, or choose another file.",
};

function migrate(db: DatabaseSync, path: string): void {
  // One transaction with its reads: two processes may open a new file at the same time.
  db.exec("begin immediate");
  for (const { sql, fill } of migrations.slice(checkOwner(db, path))) {
    db.exec(sql);
    fill?.(db);
  }
  db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${migrations.length}; commit`);
}

/** Returns the version of the schema; 0 of an empty file. */
function checkOwner(db: DatabaseSync, path: string): number {
  const version = readNumber(db, "pragma user_version");
  const isOurs = readNumber(db, "pragma application_id") === APPLICATION_ID;
  const tables = readNumber(db, "select count(*) from sqlite_schema");
  if (!isOurs && tables > 0) throw refuse(path, "is the database of another program. Choose another file.");
  if (version > migrations.length)
    throw refuse(
      path,
      `was written by a newer version (schema ${version}; this version knows ${migrations.length}). ` +
        "Upgrade Toolarium, or choose another file.",
    );
  return version;
}

function readNumber(db: DatabaseSync, sql: string): number {
  const [value] = Object.values(db.prepare(sql).get() ?? {});
  return Number(value);
}

/** Primary result codes of SQLite (https://sqlite.org/rescode.html); extended ones have them in their low byte. */
const databaseProblems: { readonly [code: number]: string } = {
  5: "is locked by another process. Stop that process, or choose another file.",
  8: "cannot be written. Give this user the right to, or choose another file.",
  11: "is damaged. Restore it from a copy, or move it away to start with an empty one.",
  13: "cannot be written because the disk is full. Free space, or choose another file.",
  26: "is not a database. Choose another file, or move this one away.",
};

/** Why this file cannot be used, as a `config_error` that says what to do. */
export function unusable(path: string, error: unknown): ToolariumError {
  if (error instanceof ToolariumError) return error;
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) : 0;
  const problem = databaseProblems[code & 0xff] ?? "cannot be used as a database. Choose another file.";
  return refuse(path, problem, { cause: error });
}

function refuse(path: string, problem: string, options?: { readonly cause: unknown }): ToolariumError {
  return new ToolariumError("config_error", `store.path: ${JSON.stringify(path)} ${problem}`, options);
}
