/** The journal of an active run: gives events their order and time, and passes them to the store and the views. */

import { ToolariumError, toRefusal } from "../../errors.ts";
import type { JournalEvent, JournalEventBody, RunStatus } from "../../journal.ts";
import type { Log } from "../../log.ts";
import { FIRST_TERM, type RunRecord, type Store } from "../../store/store.ts";
import { createRunState, type RunState } from "../record/run-state.ts";
import { createStoreView, type StoreView } from "../summary/store-view.ts";
import type { Claim } from "./ownership.ts";
import type { RunMemory } from "./run-memory.ts";

/**
 * The journal of one run while a process owns it. It has one writer, which never waits: views read `events`, the store
 * receives everything in order and in batches.
 */
export interface Journal {
  readonly record: RunRecord;
  /** Everything so far, in seq order: the event of seq `n` is at `n - 1`. Grows with the run. */
  readonly events: readonly JournalEvent[];
  /** The state that the events give. It changes with each of them. */
  readonly state: RunState;
  /** The status that the events give. */
  readonly status: RunStatus;
  /**
   * Gives the event its seq and time and shows it to subscribers at once. After `ended` only `reopened` can follow:
   * anything else throws.
   */
  append(body: JournalEventBody): JournalEvent;
  /** Counts the memory of an event that is held already and appended later. */
  holds(body: JournalEventBody): void;
  /**
   * The events that may be shown now: all of them, or after a lost write those that survive in any case. A run that
   * changed nothing shows all of them even then: a restart could only run it again.
   */
  readonly readable: readonly JournalEvent[];
  /**
   * Resolves when everything appended so far, and the run itself, is kept: see `Store.flush`. Rejects when something
   * could not be; from then on nothing more of this run is written, and every flush rejects with that first reason.
   */
  flush(): Promise<void>;
  /**
   * Why its record cannot be kept: at present, or for good with `run_lost`, when another process owns the run. Usually
   * undefined. Once it is set, nothing may follow from the journal: after a restart, what was appended can be there or
   * be missing.
   */
  readonly lost: ToolariumError | undefined;
  /** Resolves when everything appended so far is committed, or the journal is lost. Never rejects. */
  settled(): Promise<void>;
  /** See `Claim.isHeld`. */
  isHeld(): boolean | Promise<boolean>;
  /** For a lost journal: writes again what the store lacks. Rejects when that fails too. */
  restore(): Promise<void>;
  /**
   * Events after this seq (default 0: all), then live ones; ends where the run ends, and with `rest`, the default, also
   * where it waits for a person. Each subscriber reads at its own pace and costs no memory; `return()` ends it at once,
   * also in the middle of a wait.
   */
  subscribe(afterSeq?: number, until?: "rest" | "end"): AsyncIterableIterator<JournalEvent>;
  /**
   * For a process that stops owning the run: ends subscriptions once they have read everything, and releases the run's
   * memory. Idempotent.
   */
  close(): void;
}

export type JournalStore = Pick<Store, "createRun" | "append" | "flush" | "getRun" | "readJournal">;

export interface JournalOptions {
  readonly store: JournalStore;
  readonly run: RunRecord;
  /** Absent: no other process can own the run. */
  readonly claim?: Pick<Claim, "term" | "lost" | "isHeld">;
  readonly log: Log;
  /** Called once the record cannot be kept. */
  readonly onLost?: ((run: string) => void) | undefined;
  /** What the store has of this run, to resume it. Absent for a new run, which is then created in the store. */
  readonly stored?: readonly JournalEvent[];
  /** Counts the memory of the run. Absent: it is not counted. */
  readonly memory?: RunMemory | undefined;
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
  readonly state: RunState = createRunState();
  #unsent: JournalEvent[] = [];
  readonly #view: StoreView;
  #scheduled: NodeJS.Immediate | undefined;
  #lost: ToolariumError | undefined;
  /** Seq of the last event that is kept. */
  #keptSeq: number;
  /** The last write. The store applies writes in order, so all of them are done when it is. */
  #written: Promise<unknown> = Promise.resolve();
  #closed = false;
  #change = Promise.withResolvers<void>();
  readonly #term: number;
  readonly #onTakenOver = (): void => this.#lose(new ToolariumError("run_lost"));

  constructor(options: JournalOptions) {
    this.#options = options;
    const { term = FIRST_TERM, lost } = options.claim ?? {};
    this.#term = term;
    this.#now = options.now ?? Date.now;
    this.#events = [...(options.stored ?? [])];
    for (const event of this.#events) {
      this.holds(event);
      this.state.apply(event);
    }
    this.#view = createStoreView(this.state, options.run.createdAt);
    this.#keptSeq = this.#events.length;
    if (lost?.aborted) this.#onTakenOver();
    lost?.addEventListener("abort", this.#onTakenOver, { once: true });
    if (!options.stored) this.#track(options.store.createRun(options.run), 0);
  }

  get record(): RunRecord {
    return this.#options.run;
  }

  get events(): readonly JournalEvent[] {
    return this.#events;
  }

  get readable(): readonly JournalEvent[] {
    const isAtRisk = this.#lost !== undefined && this.state.hasEffects;
    return isAtRisk ? this.#events.slice(0, this.#keptSeq) : this.#events;
  }

  get lost(): ToolariumError | undefined {
    return this.#lost;
  }

  get status(): RunStatus {
    return this.state.status;
  }

  append(body: JournalEventBody): JournalEvent {
    if (this.state.end !== undefined && body.type !== "reopened")
      throw new Error(`an event "${body.type}" came after its run had ended`);
    this.holds(body);
    const at = Math.max(this.#now(), this.#events.at(-1)?.at ?? 0);
    const event: JournalEvent = { seq: this.#events.length + 1, at, ...body };
    this.#events.push(event);
    this.state.apply(event);
    this.#unsent.push(event);
    // The events of one turn of the event loop share a write.
    this.#scheduled ??= setImmediate(() => this.#send());
    this.#wake();
    return event;
  }

  holds(body: JournalEventBody): void {
    this.#options.memory?.keep(body);
  }

  async flush(): Promise<void> {
    this.#send();
    if (this.#lost !== undefined) throw this.#lost;
    const seq = this.#events.length;
    try {
      await this.#options.store.flush(this.#options.run.id);
    } catch (error) {
      this.#lose(error);
      throw this.#lost;
    }
    this.#keptSeq = Math.max(this.#keptSeq, seq);
  }

  async settled(): Promise<void> {
    this.#send();
    await this.#written;
  }

  isHeld(): boolean | Promise<boolean> {
    if (this.#lost !== undefined) return false;
    const isHeld = this.#options.claim?.isHeld() ?? true;
    return isHeld === true || this.#whether(isHeld);
  }

  async #whether(asked: boolean | Promise<boolean>): Promise<boolean> {
    const isHeld = await asked;
    if (!isHeld) this.#onTakenOver();
    return isHeld;
  }

  async restore(): Promise<void> {
    if (this.#lost === undefined) return;
    const { store, run } = this.#options;
    if ((await store.getRun(run.id)) === undefined) await store.createRun(run);
    const stored = (await store.readJournal(run.id)).length;
    const count = this.#events.length;
    const missing = this.#events.slice(stored);
    if (missing.length > 0) await store.append(run.id, this.#term, missing, ...this.#view.whole());
    this.#keptSeq = count;
    this.#lost = undefined;
    this.#unsent = this.#events.slice(count);
    this.#send();
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
          if (this.#isAtRest(until)) break;
          // Followers must not take this for the end of the run.
          if (this.#lost !== undefined) throw this.#lost;
          if (this.#closed) break;
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
    this.#options.claim?.lost.removeEventListener("abort", this.#onTakenOver);
    this.#options.memory?.release();
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
    if (this.#lost !== undefined) return;
    const { store, run } = this.#options;
    this.#track(store.append(run.id, this.#term, batch, ...this.#view.changed()), batch.at(-1)?.seq ?? 0);
  }

  /** The store keeps one run's writes in order and refuses gaps, so the first failure is final. */
  #track(write: Promise<unknown>, seq: number): void {
    this.#written = write.then(
      () => {
        this.#keptSeq = Math.max(this.#keptSeq, seq);
      },
      (error: unknown) => this.#lose(error),
    );
  }

  #lose(error: unknown): void {
    if (this.#lost !== undefined) return;
    const lost = toRefusal(error);
    this.#lost = lost;
    const { log, run, onLost } = this.#options;
    if (lost.code === "run_lost") log.warn({ run: run.id }, "another process owns this run now");
    else log.error({ err: error, run: run.id }, "the journal of this run cannot be kept at present");
    this.#wake();
    // Callers that await a flush run first: they note what they have not done.
    setImmediate(() => onLost?.(run.id));
  }

  /** Wakes every waiting subscriber. */
  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
