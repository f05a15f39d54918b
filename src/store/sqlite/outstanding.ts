/** The writes of runs that are not committed yet. The redo log keeps them until they are. */
import { ToolariumError } from "../../errors.ts";
import type { RedoEntry, RedoLog } from "./file/redo-log.ts";
import type { StoreValues } from "./file/thread-protocol.ts";
import type { StoreThread } from "./store-thread.ts";

export interface Outstanding {
  /** Resolves when the write is committed, in the order of the calls. `bytes`: its share of the backlog. */
  write<E extends RedoEntry>(run: string, entry: E, bytes: number): Promise<StoreValues[E["op"]]>;
  /** See `Store.flush`. */
  flush(run: string): Promise<void>;
  /** Empties a log whose entries are all committed: what the database removed is then gone here too. */
  forget(): void;
  /** Call once the thread has ended. Idempotent. */
  close(): void;
}

interface Write {
  readonly entry: RedoEntry;
  readonly bytes: number;
  readonly committed: Promise<unknown>;
  isLogged: boolean;
}

/**
 * Bytes, roughly. Larger batches are not written on the thread that serves requests: a megabyte takes about one
 * millisecond.
 */
const MOST_AT_ONCE = 256 * 1024;

/** Without a log a flush waits for the commit. */
export function createOutstanding(
  thread: Pick<StoreThread, "call" | "hurry" | "hindrance" | "onRevived">,
  log: RedoLog | undefined,
): Outstanding {
  const writes = new Map<string, Set<Write>>();
  let closed = false;
  thread.onRevived(() => log?.startAgain());

  function write<E extends RedoEntry>(run: string, entry: E, bytes: number): Promise<StoreValues[E["op"]]> {
    const committed = thread.call(entry, bytes, true);
    const made: Write = { entry, bytes, committed, isLogged: false };
    const ofRun = writes.get(run) ?? new Set();
    writes.set(run, ofRun.add(made));
    const forget = (error?: unknown): void => {
      ofRun.delete(made);
      if (ofRun.size === 0 && writes.get(run) === ofRun) writes.delete(run);
      // A write that the disk refused stays in the log until the disk takes it.
      if (made.isLogged && !isHindered(error)) log?.committed(1);
    };
    committed.then(() => forget(), forget);
    return committed;
  }

  async function flush(run: string): Promise<void> {
    const open = [...(writes.get(run) ?? [])];
    if (isLogged(open.filter((each) => !each.isLogged))) return;
    thread.hurry();
    await Promise.all(open.map(({ committed }) => committed));
  }

  function isLogged(fresh: readonly Write[]): boolean {
    if (fresh.length === 0) return log !== undefined;
    // The store's thread may be reading the log now.
    if (thread.hindrance !== undefined) return false;
    const bytes = fresh.reduce((sum, each) => sum + each.bytes, 0);
    if (log === undefined || bytes > MOST_AT_ONCE || !log.write(fresh.map(({ entry }) => entry)))
      return false;
    for (const each of fresh) each.isLogged = true;
    return true;
  }

  return {
    write,
    flush,
    forget: () => log?.forget(),
    close() {
      if (!closed) log?.close();
      closed = true;
    },
  };
}

function isHindered(error: unknown): boolean {
  return error instanceof ToolariumError && error.code === "store_unavailable";
}
