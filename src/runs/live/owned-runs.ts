/**
 * The runs that this process owns. A run has one writer: to change a run, borrow it here. It stays the same object
 * while somebody borrows it or it has not come to rest; then it is released.
 */
import type { ToolariumError } from "../../errors.ts";
import type { Report } from "../record/report-shape.ts";
import type { Decidable } from "./approvals.ts";
import { isTakenOver, refuseLost } from "./endings.ts";
import type { Journal } from "./live-journal.ts";
import { type Claim, isElsewhere, type OwnedElsewhere, type Ownership } from "./ownership.ts";

/** A run as its borrowers see it. */
export interface OwnedRun {
  readonly id: string;
  readonly principal: string;
  readonly journal: Journal;
  /** Null when its calls cannot be decided. */
  readonly decidable: Decidable | null;
  report(): Report;
  cancel(): void;
  /**
   * Resumes what an earlier owner left: its program, or calls that people decided. Does nothing when nothing is left.
   */
  takeUp(): void;
  /** Drops what is under way, calls included. The journal stays as it is. */
  suspend(): void;
  /**
   * For a run whose record cannot be kept: starts nothing new, and fails its waiters with this reason. Calls under way
   * finish; the journal holds their settlements until it can be written again.
   */
  strand(reason: ToolariumError): void;
  /** Ends the run if it still waits for a person. */
  expire?(): void;
  /** Resolves when it has ended or waits. Never rejects. */
  rest(): Promise<void>;
  /** For a stranded run: resolves when none of its calls is under way. Never rejects. */
  quiet(): Promise<void>;
}

/** A run in use, until it is disposed of. */
export interface Loan<R extends OwnedRun> extends Disposable {
  readonly run: R;
}

interface Place<R extends OwnedRun> {
  readonly run: R;
  readonly claim: Claim;
  uses: number;
}

export interface OwnedRunsDeps<R extends OwnedRun> {
  readonly ownership: Pick<Ownership, "claim">;
  /** Loads a run whose claim was granted. Undefined when there is none. */
  readonly load: (id: string, claim: Claim) => Promise<R | undefined>;
  /** Called after a run was let go, at rest and committed. */
  readonly onRest: (run: R) => void;
  /** Called when a run that nobody uses any more stays, because its record cannot be kept; see `letGo`. */
  readonly onStranded: (run: R) => void;
}

export class OwnedRuns<R extends OwnedRun> {
  readonly #deps: OwnedRunsDeps<R>;
  readonly #places = new Map<string, Place<R>>();
  readonly #loading = new Map<string, Promise<Place<R> | OwnedElsewhere | undefined>>();
  readonly #releasing = new Set<Promise<void>>();

  constructor(deps: OwnedRunsDeps<R>) {
    this.#deps = deps;
  }

  get(id: string): R | undefined {
    return this.#places.get(id)?.run;
  }

  all(): readonly R[] {
    return [...this.#places.values()].map(({ run }) => run);
  }

  /** Runs that stay because their record cannot be kept. */
  stranded(): readonly R[] {
    return [...this.#places.values()].flatMap(({ run, uses }) =>
      uses === 0 && run.journal.lost !== undefined ? [run] : [],
    );
  }

  /** Takes in a run that was created here. */
  lend(run: R, claim: Claim): Loan<R> {
    const place = { run, claim, uses: 0 };
    this.#places.set(run.id, place);
    return this.#lend(place);
  }

  /**
   * A run of the store, claimed and loaded unless it is owned here already. Undefined when there is none.
   *
   * @throws `store_unavailable` or `store_damaged` when its record cannot be kept: then nobody may change it
   */
  async borrow(id: string): Promise<Loan<R> | OwnedElsewhere | undefined> {
    for (;;) {
      const found = this.#places.get(id) ?? (await this.#load(id));
      if (found === undefined || isElsewhere(found)) return found;
      // The run may have been let go meanwhile.
      if (this.#places.get(id) !== found) continue;
      const { run } = found;
      const { lost } = run.journal;
      if (lost === undefined) return this.#lend(found);
      if (!isTakenOver(lost)) throw refuseLost(run, lost);
      this.giveUp(run);
    }
  }

  /** Another process owns the run: its borrowers here can no longer change it. */
  giveUp(run: R): void {
    run.suspend();
    this.letGo(run);
  }

  /** Stops owning a run whose record is whole, or that this process can no longer write to. */
  letGo(run: R): void {
    const place = this.#places.get(run.id);
    if (place?.run !== run) return;
    this.#places.delete(run.id);
    run.journal.close();
    const released = place.claim.release().finally(() => this.#releasing.delete(released));
    this.#releasing.add(released);
    this.#deps.onRest(run);
  }

  /**
   * Lets go of every run that can be written, borrowed or not: nothing is to happen any more. Resolves when they are
   * released.
   */
  async letGoOfAll(): Promise<void> {
    for (const { run } of this.#places.values()) if (run.journal.lost === undefined) this.letGo(run);
    await Promise.allSettled(this.#releasing);
  }

  #lend(place: Place<R>): Loan<R> {
    place.uses += 1;
    let isReturned = false;
    return {
      run: place.run,
      [Symbol.dispose]: () => {
        if (isReturned) return;
        isReturned = true;
        place.uses -= 1;
        if (place.uses === 0) void this.#rest(place);
      },
    };
  }

  #load(id: string): Promise<Place<R> | OwnedElsewhere | undefined> {
    const loading = this.#loading.get(id) ?? this.#claim(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #claim(id: string): Promise<Place<R> | OwnedElsewhere | undefined> {
    const claim = await this.#deps.ownership.claim(id);
    if (isElsewhere(claim)) return claim;
    let run: R | undefined;
    try {
      run = await this.#deps.load(id, claim);
    } finally {
      if (run === undefined) await claim.release();
    }
    if (run === undefined) return undefined;
    const place = { run, claim, uses: 0 };
    this.#places.set(id, place);
    return place;
  }

  async #rest(place: Place<R>): Promise<void> {
    const { run } = place;
    await run.rest();
    await run.journal.flush().catch(() => undefined);
    // Until it is committed, only this process can tell of it.
    await run.journal.settled();
    if (place.uses > 0 || this.#places.get(run.id) !== place) return;
    if (run.journal.lost === undefined) this.letGo(run);
    else this.#deps.onStranded(run);
  }
}
