/**
 * Follows the events of runs, whichever process owns them. Runs owned here are followed as they happen; those of other
 * processes are read from the store each time their owner signals more. Seqs are the same everywhere, so a stream that
 * began in one process can be resumed in any other.
 */
import type { JournalEvent, RunStatus } from "../../journal.ts";
import type { Store } from "../../store/store.ts";
import { statusAfter } from "../record/run-state.ts";
import { isTakenOver } from "./endings.ts";
import type { Journal } from "./live-journal.ts";

/**
 * Port: what the owners of runs signal to other processes. A signal can be lost, so waiting followers also wake from
 * time to time.
 */
export interface Signals {
  /**
   * Resolves when the journal of this run has grown, or its owner has changed, since the last call. It may resolve
   * without a change. Resolves with `silent` where no other process appends anything. Rejects when the signal aborts.
   */
  next(run: string, signal?: AbortSignal): Promise<"look" | "silent">;
}

/** For a process that has the store to itself. */
export const noSignals: Signals = { next: async () => "silent" };

export interface FollowOptions {
  /** Default 0: from the start. */
  readonly afterSeq?: number | undefined;
  /** `rest`, the default: until the run ends or waits. `end`: until it ends. */
  readonly until?: "rest" | "end" | undefined;
  /** Ends the stream at once, also while nothing happens: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Followers {
  /**
   * Events of a run, each once it is kept. When the run is not active here and cannot be owned elsewhere, the stream
   * ends with the last recorded event.
   */
  follow(run: string, options?: FollowOptions): AsyncGenerator<JournalEvent>;
  /** The same for a run whose journal is in memory here, though another process may own it by now. */
  followLive(journal: Journal, options?: FollowOptions): AsyncGenerator<JournalEvent>;
}

export interface FollowersDeps {
  readonly store: Pick<Store, "getRun" | "readJournal">;
  readonly signals: Signals;
  /** The journal of a run that is owned here. */
  readonly journal: (run: string) => Journal | undefined;
}

export function createFollowers({ store, signals, journal }: FollowersDeps): Followers {
  async function* follow(
    run: string,
    { afterSeq = 0, until = "rest", signal }: FollowOptions = {},
  ): AsyncGenerator<JournalEvent> {
    let seq = afterSeq;
    for (;;) {
      signal?.throwIfAborted();
      const live = journal(run);
      if (live !== undefined && !isTakenOver(live.lost)) {
        yield* followLive(live, { afterSeq: seq, until, signal });
        return;
      }
      let status = (await store.getRun(run))?.status;
      for (const event of await store.readJournal(run, seq)) {
        seq = event.seq;
        status = statusAfter(event);
        yield event;
      }
      if (status === undefined || isOver(status, until)) return;
      if ((await signals.next(run, signal)) === "silent") return;
    }
  }

  async function* followLive(live: Journal, options: FollowOptions = {}): AsyncGenerator<JournalEvent> {
    const { afterSeq = 0 } = options;
    let seq = afterSeq;
    try {
      for await (const event of keptEvents(live, options)) {
        seq = event.seq;
        yield event;
      }
      return;
    } catch (error) {
      if (!isTakenOver(error)) throw error;
    }
    yield* follow(live.record.id, { ...options, afterSeq: seq });
  }

  return { follow, followLive };
}

/**
 * Yields kept events alone: a crash takes back nothing that was sent, and every stream can be resumed where it was cut.
 */
async function* keptEvents(
  journal: Journal,
  { afterSeq, until, signal }: FollowOptions,
): AsyncGenerator<JournalEvent> {
  signal?.throwIfAborted();
  const events = journal.subscribe(afterSeq, until);
  const leave = (): void => void events.return?.();
  signal?.addEventListener("abort", leave, { once: true });
  let kept = 0;
  try {
    for await (const event of events) {
      if (event.seq > kept) {
        kept = journal.events.length;
        await journal.flush();
      }
      yield event;
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}

function isOver(status: RunStatus, until: "rest" | "end"): boolean {
  if (status === "waiting") return until === "rest";
  return status === "completed" || status === "failed" || status === "cancelled";
}
