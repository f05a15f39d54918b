/** The journal of a run that is going on: where events get their order and time, and how they reach the store and the views. */

import type { JournalEvent, JournalEventBody, RunStatus } from "../journal.ts";
import type { Log } from "../log.ts";
import type { RunRecord, Store } from "../store/store.ts";
import { statusAfter } from "./report.ts";

/**
 * The journal of one run while a process carries it. It has one writer, which is never held up: views read `events`,
 * the store receives everything in order and in batches.
 */
export interface Journal {
  /** Everything so far, in seq order: the event of seq `n` is at `n - 1`. Grows as the run goes on. */
  readonly events: readonly JournalEvent[];
  /** As the events say it. */
  readonly status: RunStatus;
  /**
   * Gives the event its seq and time and shows it to subscribers at once. After `ended` only `reopened` can follow:
   * anything else throws.
   */
  append(body: JournalEventBody): JournalEvent;
  /**
   * Resolves when everything appended so far, and the run itself, is kept: see `Store.flush`. Rejects when something
   * could not be; from then on nothing more of this run is written, and every flush rejects with that first reason.
   */
  flush(): Promise<void>;
  /**
   * Events after this seq (default 0: all), then live ones; ends where the run ends, and with `rest`, the default, also
   * where it waits for a person. Each subscriber reads at its own pace and costs no memory; `return()` ends it at once,
   * also in the middle of a wait.
   */
  subscribe(afterSeq?: number, until?: "rest" | "end"): AsyncIterableIterator<JournalEvent>;
  /** For a process that stops carrying the run: ends subscriptions once they have read what is there. Idempotent. */
  close(): void;
}

export interface JournalOptions {
  readonly store: Pick<Store, "createRun" | "append" | "flush">;
  readonly run: RunRecord;
  readonly log: Log;
  /** What the store has of this run, to go on with it. Absent for a new run, which is then created in the store. */
  readonly stored?: readonly JournalEvent[];
  /** Milliseconds since the Unix epoch. Default `Date.now`; a clock that goes back is held. */
  readonly now?: () => number;
}

export function createJournal(options: JournalOptions): Journal {
  return new RunJournal(options);
}

class RunJournal implements Journal {
  readonly #options: JournalOptions;
  readonly #now: () => number;
  readonly #events: JournalEvent[];
  #unsent: JournalEvent[] = [];
  /** The status the store was last told. */
  #storedStatus: RunStatus;
  #scheduled: NodeJS.Immediate | undefined;
  /** Rejected with the first reason for which something could not be kept. */
  #failure: Promise<never> | undefined;
  #closed = false;
  #change = Promise.withResolvers<void>();

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#events = [...(options.stored ?? [])];
    this.#storedStatus = this.status;
    if (!options.stored) this.#track(options.store.createRun(options.run));
  }

  get events(): readonly JournalEvent[] {
    return this.#events;
  }

  get status(): RunStatus {
    return statusAfter(this.#events.at(-1));
  }

  append(body: JournalEventBody): JournalEvent {
    if (this.#events.at(-1)?.type === "ended" && body.type !== "reopened")
      throw new Error(`an event "${body.type}" came after its run had ended`);
    const at = Math.max(this.#now(), this.#events.at(-1)?.at ?? 0);
    const event: JournalEvent = { seq: this.#events.length + 1, at, ...body };
    this.#events.push(event);
    this.#unsent.push(event);
    // What one turn appends is one write.
    this.#scheduled ??= setImmediate(() => this.#send());
    this.#wake();
    return event;
  }

  flush(): Promise<void> {
    this.#send();
    return this.#failure ?? this.#options.store.flush(this.#options.run.id);
  }

  subscribe(afterSeq = 0, until: "rest" | "end" = "rest"): AsyncIterableIterator<JournalEvent> {
    let next = afterSeq;
    let returned = false;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: async () => {
        while (!returned) {
          const event = this.#events[next];
          if (event) {
            next += 1;
            return { done: false, value: event };
          }
          if (this.#closed || this.#isAtRest(until)) break;
          await this.#change.promise;
        }
        return { done: true, value: undefined };
      },
      return: async () => {
        returned = true;
        this.#wake();
        return { done: true, value: undefined };
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #isAtRest(until: "rest" | "end"): boolean {
    const last = this.#events.at(-1)?.type;
    return last === "ended" || (last === "waiting" && until === "rest");
  }

  #send(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const batch = this.#unsent;
    if (batch.length === 0) return;
    this.#unsent = [];
    if (this.#failure) return;
    const status = statusAfter(batch.at(-1));
    const { store, run } = this.#options;
    this.#track(store.append(run.id, batch, status === this.#storedStatus ? undefined : status));
    this.#storedStatus = status;
  }

  /** The store keeps the order of one run's writes and takes none that leaves a gap, so the first failure is final. */
  #track(write: Promise<void>): void {
    write.catch((error: unknown) => {
      if (this.#failure) return;
      this.#failure = Promise.reject(error);
      this.#failure.catch(() => {});
      const { log, run } = this.#options;
      log.error({ err: error, run: run.id }, "the journal of this run can no longer be kept");
    });
  }

  /** Every waiting subscriber looks again. */
  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
