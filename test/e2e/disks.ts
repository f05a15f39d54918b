/**
 * What a disk does to the files of a store, done to real ones: a file system of 2 MB of its own, files that nobody may
 * write. Needs user namespaces that may mount, or root; where a machine has neither, `null` says so and the test takes
 * the next best, which its title names.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";

export interface Disk {
  /** The folder of the store, where the gateway sees it. */
  readonly folder: string;
  /** Lines of sh before the gateway, which bring it to where the folder is. */
  readonly under: string;
  /** May be called again while it lasts. */
  begin(gateway: number): void | Promise<void>;
  end(gateway: number): void | Promise<void>;
}

export interface Fault {
  readonly title: string;
  /** Milliseconds that it lasts at least. */
  readonly lastsMs?: number;
  /** Milliseconds between two effects of a program, so that programs still run when it is noticed. */
  readonly paceMs?: number;
  prepare(folder: string): Disk | Promise<Disk>;
}

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const canMount = works("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=2m none /mnt");

/** `mount`: a line of sh that mounts something at this folder, seen by whoever is brought there by `under`. */
async function mounted(folder: string, mount: string): Promise<{ under: string; root: string }> {
  const holder = spawn("unshare", ["-rm", "sh", "-c", `${mount}; echo mounted; exec cat`, folder], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = once(holder, "exit");
  onTestFinished(async () => {
    holder.stdin.end();
    await gone;
  });
  await once(holder.stdout, "data");
  const enter = `nsenter --preserve-credentials -t ${holder.pid} -U -m`;
  return { under: `exec ${enter} -- "$0" "$@"`, root: `/proc/${holder.pid}/root` };
}

const filled: Fault = canMount
  ? {
      title: "a file system of 2 MB fills while programs run (a tmpfs)",
      async prepare(folder) {
        const { under, root } = await mounted(folder, 'mount -t tmpfs -o size=2m none "$0"');
        const filler = join(root, folder, "filler");
        return {
          folder,
          under,
          begin: () => fill(filler),
          end: () => unlinkSync(filler),
        };
      },
    }
  : {
      title: "no file takes any more while programs run (RLIMIT_FSIZE: nothing can be mounted here)",
      prepare: (folder) => ({ folder, under: "", ...limitedSize }),
    };

/** Takes all that is left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "a");
  try {
    for (let size = 65_536; size >= 1; ) {
      try {
        const { bytesWritten } = await file.write(Buffer.alloc(size));
        if (bytesWritten === 0) return;
      } catch {
        size = Math.floor(size / 16);
      }
    }
  } finally {
    await file.close();
  }
}

const limitedSize = {
  begin: (gateway: number) => void execFileSync("prlimit", [`--pid=${gateway}`, "--fsize=0:unlimited"]),
  end: (gateway: number) => void execFileSync("prlimit", [`--pid=${gateway}`, "--fsize=unlimited:unlimited"]),
};

function canFreeze(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-freeze-"));
  const file = join(folder, "file");
  writeFileSync(file, "");
  try {
    return works("chattr", "+i", file) && works("chattr", "-i", file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Without the memory that SQLite shares with other processes through `-shm`: who writes to a page that became read-only
 * under it gets SIGBUS from the system, which is a `kill -9` and has tests of its own.
 */
const SUFFIXES = ["", "-wal", "-redo"];

const readOnly: Fault = canFreeze()
  ? {
      title: "the files become read-only while programs run (chattr +i)",
      prepare(folder) {
        const change = (flag: string): void => {
          const files = SUFFIXES.map((suffix) => join(folder, `runs.db${suffix}`));
          const there = files.filter((file) => statSync(file, { throwIfNoEntry: false }));
          if (there.length > 0) execFileSync("chattr", [flag, ...there]);
        };
        // Or the folder could not be removed.
        onTestFinished(() => change("-i"));
        return { folder, under: "", begin: () => change("+i"), end: () => change("-i") };
      },
    }
  : {
      title: "no file takes any more while programs run (RLIMIT_FSIZE: chattr is not permitted here)",
      prepare: (folder) => ({ folder, under: "", ...limitedSize }),
    };

const locked: Fault = {
  title: "another program locks the file for 10 s while programs run",
  lastsMs: 10_000,
  paceMs: 150,
  prepare(folder) {
    let other: DatabaseSync | undefined;
    const end = (): void => {
      if (other?.isOpen) other.close();
      other = undefined;
    };
    onTestFinished(end);
    const begin = (): void => {
      if (other !== undefined) return;
      other = new DatabaseSync(join(folder, "runs.db"), { timeout: 1_000 });
      other.exec("begin immediate");
    };
    return { folder, under: "", begin, end };
  },
};

const deleted: Fault = {
  title: "the file is deleted while programs run, and put back",
  prepare(folder) {
    const [file, copy] = [join(folder, "runs.db"), join(folder, "other-name")];
    const begin = (): void => {
      if (statSync(copy, { throwIfNoEntry: false })) return;
      linkSync(file, copy);
      unlinkSync(file);
    };
    const end = (): void => {
      linkSync(copy, file);
      unlinkSync(copy);
    };
    return { folder, under: "", begin, end };
  },
};

export const faults: readonly Fault[] = [filled, readOnly, locked, deleted];

/** A folder that its owner cannot write to. Null where nothing can be mounted. */
export const readOnlyFolder: ((folder: string) => Promise<{ readonly under: string }>) | null = canMount
  ? async (folder) => {
      mkdirSync(folder, { recursive: true });
      return mounted(folder, 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"');
    }
  : null;
