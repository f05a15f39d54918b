/**
 * The runs that this process carries. A run has one writer: whoever wants to change one gets it from here, and as long
 * as somebody uses it, or it has not come to rest, it stays the same object.
 */
import type { Decidable } from "./approvals.ts";
import type { Journal } from "./live-journal.ts";
import type { Report } from "./report.ts";

/** A run as those above see it. */
export interface Carried {
  readonly id: string;
  readonly principal: string;
  readonly journal: Journal;
  /** Null when no call of it waits for anybody. */
  readonly decidable: Decidable | null;
  report(): Report;
  cancel(): void;
  /** Lets go of what is under way; the journal stays as it is. */
  suspend(): void;
  /** Ends it if it still waits for a person. */
  expire?(): void;
  /** Resolves when it has ended or waits. Never rejects. */
  rest(): Promise<void>;
}

interface Place<R extends Carried> {
  readonly run: R;
  uses: number;
}

export class Carriage<R extends Carried> {
  readonly #places = new Map<string, Place<R>>();
  readonly #loading = new Map<string, Promise<R | undefined>>();
  readonly #onRest: (run: R) => void;

  /** `onRest`: a run is about to be let go, at rest and as durable as it will be. */
  constructor(onRest: (run: R) => void) {
    this.#onRest = onRest;
  }

  get(id: string): R | undefined {
    return this.#places.get(id)?.run;
  }

  all(): readonly R[] {
    return [...this.#places.values()].map(({ run }) => run);
  }

  /** The run is used until `act` is over; then it is let go as soon as it is at rest. */
  async keep<T>(run: R, act: (run: R) => Promise<T>): Promise<T> {
    const place = this.#places.get(run.id) ?? { run, uses: 0 };
    this.#places.set(run.id, place);
    place.uses += 1;
    try {
      return await act(place.run);
    } finally {
      place.uses -= 1;
      if (place.uses === 0) void this.#release(place);
    }
  }

  /** As `keep`, of a run that `load` reads when nobody carries it. Undefined when there is none. */
  async keepStored<T>(
    id: string,
    load: () => Promise<R | undefined>,
    act: (run: R) => Promise<T>,
  ): Promise<T | undefined> {
    const run = this.get(id) ?? (await this.#load(id, load));
    return run === undefined ? undefined : this.keep(this.get(id) ?? run, act);
  }

  #load(id: string, load: () => Promise<R | undefined>): Promise<R | undefined> {
    const loading = this.#loading.get(id) ?? load().finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #release(place: Place<R>): Promise<void> {
    const { run } = place;
    await run.rest();
    // What could not be kept is in the log.
    await run.journal.flush().catch(() => undefined);
    if (place.uses > 0 || this.#places.get(run.id) !== place) return;
    this.#places.delete(run.id);
    run.journal.close();
    this.#onRest(run);
  }
}
