/**
 * The runs that this process carries. A run has one writer: whoever wants to change one gets it from here, and as long
 * as somebody uses it, or it has not come to rest, it stays the same object.
 */
import type { ToolariumError } from "../../errors.ts";
import type { Report } from "../record/report-shape.ts";
import type { Decidable } from "./approvals.ts";
import { refuseLost } from "./endings.ts";
import type { Journal } from "./live-journal.ts";

/** A run as those above see it. */
export interface Carried {
  readonly id: string;
  readonly principal: string;
  readonly journal: Journal;
  /** Null when no call of it waits for anybody. */
  readonly decidable: Decidable | null;
  report(): Report;
  cancel(): void;
  /** Lets go of what is under way, calls included; the journal stays as it is. */
  suspend(): void;
  /**
   * Its record cannot be kept: nothing new follows from it, and who waits for it gets this reason. Calls under way come
   * to their end, and the journal gets what became of them, for when it can be written again.
   */
  strand(reason: ToolariumError): void;
  /** Ends it if it still waits for a person. */
  expire?(): void;
  /** Resolves when it has ended or waits. Never rejects. */
  rest(): Promise<void>;
  /** Of one that is stranded: resolves when none of its calls is under way. Never rejects. */
  quiet(): Promise<void>;
}

interface Place<R extends Carried> {
  readonly run: R;
  uses: number;
}

export class Carriage<R extends Carried> {
  readonly #places = new Map<string, Place<R>>();
  readonly #loading = new Map<string, Promise<R | undefined>>();
  readonly #onRest: (run: R) => void;
  readonly #onStranded: (run: R) => void;

  /**
   * `onRest`: a run is about to be let go, at rest and committed. `onStranded`: one that nobody uses any more stays,
   * because its record cannot be kept; see `letGo`.
   */
  constructor(onRest: (run: R) => void, onStranded: (run: R) => void) {
    this.#onRest = onRest;
    this.#onStranded = onStranded;
  }

  get(id: string): R | undefined {
    return this.#places.get(id)?.run;
  }

  all(): readonly R[] {
    return [...this.#places.values()].map(({ run }) => run);
  }

  /** Those that stay because their record cannot be kept. */
  stranded(): readonly R[] {
    return [...this.#places.values()].flatMap(({ run, uses }) =>
      uses === 0 && run.journal.lost !== undefined ? [run] : [],
    );
  }

  /** Of a stranded run: its record is whole again, or never will be. */
  letGo(run: R): void {
    if (this.#places.get(run.id)?.run !== run) return;
    this.#places.delete(run.id);
    run.journal.close();
    this.#onRest(run);
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

  /**
   * As `keep`, of a run that `load` reads when nobody carries it. Undefined when there is none.
   *
   * @throws `store_unavailable` or `store_damaged` when its record cannot be kept: then nobody may change it
   */
  async keepStored<T>(
    id: string,
    load: () => Promise<R | undefined>,
    act: (run: R) => Promise<T>,
  ): Promise<T | undefined> {
    const run = this.get(id) ?? (await this.#load(id, load));
    if (run === undefined) return undefined;
    const carried = this.get(id) ?? run;
    const { lost } = carried.journal;
    if (lost !== undefined) throw refuseLost(carried, lost);
    return this.keep(carried, act);
  }

  #load(id: string, load: () => Promise<R | undefined>): Promise<R | undefined> {
    const loading = this.#loading.get(id) ?? load().finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #release(place: Place<R>): Promise<void> {
    const { run } = place;
    await run.rest();
    await run.journal.flush().catch(() => undefined);
    // As long as it is not committed, only this process can tell of it.
    await run.journal.settled();
    if (place.uses > 0 || this.#places.get(run.id) !== place) return;
    if (run.journal.lost === undefined) this.letGo(run);
    else this.#onStranded(run);
  }
}
