/**
 * Checks that the files of an open database are still those at its path: writes to other files are lost without an
 * error.
 */
import { statSync } from "node:fs";

export type FileFault =
  /** The database itself is gone, or another file is in its place. */
  | { readonly type: "replaced"; readonly reason: string }
  /** Only the write-ahead log is gone; a process that has it open can save its content. */
  | { readonly type: "log_lost"; readonly reason: string };

export interface StoreFiles {
  /** Undefined while the files are those from when the database was opened. Costs a few microseconds. */
  findFault(): FileFault | undefined;
  /** The database was opened anew. */
  reopened(): void;
}

export function watchStoreFiles(path: string): StoreFiles {
  const database = inodeOf(path);
  let log = inodeOf(`${path}-wal`);
  return {
    findFault() {
      const found = inodeOf(path);
      if (found !== database) {
        const what = found === undefined ? "its file is gone" : "another file is in its place";
        return {
          type: "replaced",
          reason: `The store cannot be written: ${what}. Put it back, or restart the gateway to begin with what is there.`,
        };
      }
      // SQLite makes the log at the first write.
      log ??= inodeOf(`${path}-wal`);
      if (log !== undefined && inodeOf(`${path}-wal`) !== log)
        return {
          type: "log_lost",
          reason: "The store cannot be written: its write-ahead log is gone. Retry later.",
        };
      return undefined;
    },
    reopened() {
      log = inodeOf(`${path}-wal`);
    },
  };
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
