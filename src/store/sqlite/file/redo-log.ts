/**
 * The redo log: a file beside the database with writes that the database does not have yet.
 *
 * A commit waits for the store's thread and for the disk, and a call that changes something waits for its record. A
 * line written to a file survives the end of this process at once, because the system has it. So what must not be lost
 * is first written here, on the thread that serves requests, and then committed in groups. A process that finds lines
 * here when it opens the store commits what is missing: see `redo.ts`.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { crc32 } from "node:zlib";
import { ToolariumError } from "../../../errors.ts";
import type { JournalEvent, RunStatus } from "../../../journal.ts";
import type { RunRecord, StoredSummary } from "../../store.ts";

/** The writes that can wait for their commit. */
export type RedoEntry =
  | { readonly op: "createRun"; readonly run: RunRecord; readonly once?: boolean }
  | {
      readonly op: "append";
      readonly run: string;
      /** Absent in a log of an earlier version. */
      readonly term?: number;
      readonly events: readonly JournalEvent[];
      readonly status: RunStatus | undefined;
      readonly waitsSince?: number | undefined;
      readonly summary?: StoredSummary | undefined;
    };

/** Raise it when the meaning of an entry's content changes. */
const VERSION = 1;
/** Bytes. A full log takes nothing more until all its entries are committed: then its file starts anew. */
const FULL = 4 * 1024 * 1024;

export interface RedoLog {
  /**
   * Writes these entries; once it returns true they survive the end of this process. False when the log is full or the
   * file cannot be written: then only a commit keeps them.
   */
  write(entries: readonly RedoEntry[]): boolean;
  /** This many entries of the log are in the database now. */
  committed(count: number): void;
  /** Empties the log if all its entries are committed. */
  forget(): void;
  /** The store has committed all entries and cut the file. */
  startAgain(): void;
  close(): void;
}

/**
 * `identity`: of the database at this path.
 *
 * @throws `config_error` when the file cannot be written
 */
export function openRedoLog(database: string, identity: string): RedoLog {
  const file = redoPath(database);
  let fd = open(file);
  let size = 0;
  let pending = 0;
  let broken = false;

  const startAnew = (): void => {
    if (size === 0) return;
    try {
      ftruncateSync(fd, 0);
      size = 0;
    } catch {
      // Its lines are committed and harmless; a log that grows full takes no more.
    }
  };

  return {
    write(entries) {
      // A file without a name is gone when this process ends.
      if (broken || size >= FULL || fstatSync(fd).nlink === 0) return false;
      const text = Buffer.from(entries.map((entry) => toLine(entry, identity)).join(""));
      try {
        // Half a line would hide the lines after it.
        if (writeSync(fd, text) < text.length) throw new Error("the disk is full");
      } catch {
        try {
          ftruncateSync(fd, size);
        } catch {
          broken = true;
        }
        return false;
      }
      size += text.length;
      pending += entries.length;
      return true;
    },
    committed(count) {
      pending -= count;
      // A short file stays for a while: cutting it costs more than writing a line.
      if (pending === 0 && size >= FULL / 16) startAnew();
    },
    forget() {
      if (pending === 0) startAnew();
    },
    startAgain() {
      if (fstatSync(fd).nlink === 0) {
        closeSync(fd);
        fd = open(file);
      }
      size = 0;
      pending = 0;
      broken = false;
    },
    close() {
      if (pending === 0) startAnew();
      closeSync(fd);
    },
  };
}

/** For a store whose writes end with the process: nothing has to be kept. */
export const keepsNothing: RedoLog = {
  write: () => true,
  committed() {},
  forget() {},
  startAgain() {},
  close() {},
};

export interface LeftEntries {
  /** In the order in which they were written. */
  readonly entries: readonly RedoEntry[];
  /** How many of its lines differ from what was written. */
  readonly damaged: number;
}

/**
 * The entries that an ended process left. Skips a line that is not whole and reads on: a run whose journal would get a
 * gap ends before it. After a power cut the last line can be half written; nobody was promised that one. Skips lines of
 * another database that was at this path before.
 *
 * @throws `config_error` when another version wrote it, or when the file cannot be read
 */
export function readRedoLog(database: string, identity: string): LeftEntries {
  const file = redoPath(database);
  closeSync(open(file));
  const entries: RedoEntry[] = [];
  let damaged = 0;
  const lines = readFileSync(file, "utf8").split("\n");
  for (const [index, line] of lines.entries()) {
    const text = line.slice(SUM_LENGTH + 1);
    if (text === "" || line.slice(0, SUM_LENGTH) !== sum(text)) {
      // Text after the last line feed was still being written.
      if (index < lines.length - 1) damaged += 1;
      continue;
    }
    // A line with the right sum is one of ours.
    const { v, of, ...entry }: RedoEntry & { readonly v: number; readonly of: string } = JSON.parse(text);
    if (of !== identity) continue;
    if (v !== VERSION)
      throw refuse(
        database,
        "has writes of another version of Toolarium beside it that are not committed. Start and stop that version once.",
      );
    entries.push(entry);
  }
  return { entries, damaged };
}

/** Puts a copy beside the log, for people who want to see what is lost. Without room for a copy there is none. */
export function keepDamagedRedoLog(database: string): void {
  try {
    copyFileSync(redoPath(database), `${redoPath(database)}-damaged`);
  } catch {
    // The count of lost writes is reported all the same.
  }
}

/** Empties a log whose entries are all committed. */
export function clearRedoLog(database: string): void {
  truncateSync(redoPath(database));
}

function redoPath(database: string): string {
  return `${database}-redo`;
}

/** Created for its owner only: it holds arguments and results. */
function open(file: string): number {
  try {
    return openSync(file, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY, 0o600);
  } catch (cause) {
    throw refuse(
      file,
      "cannot be written by this user. Give it the right to, or choose another store.path.",
      cause,
    );
  }
}

const SUM_LENGTH = 8;

function toLine(entry: RedoEntry, of: string): string {
  const text = JSON.stringify({ v: VERSION, of, ...entry });
  return `${sum(text)} ${text}\n`;
}

function sum(text: string): string {
  return crc32(text).toString(16).padStart(SUM_LENGTH, "0");
}

function refuse(path: string, problem: string, cause?: unknown): ToolariumError {
  return new ToolariumError("config_error", `store.path: ${JSON.stringify(path)} ${problem}`, { cause });
}
