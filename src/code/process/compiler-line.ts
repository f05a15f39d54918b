/** Who waits for the compiler, and who is next: bounded, in turns of principals, suspects first and alone. */
import { FairQueue } from "../../../sandbox/index.ts";

export interface Waiting {
  /** Whose text it is. */
  readonly owner: string;
  /** Whether a child died with this text in it once: then it is sent alone. */
  suspect: boolean;
}

/** Texts in the child at once. The parser is one thread; more only lengthens everyone's wait. */
const MAX_IN_FLIGHT = 4;
/** The same of one principal: two keep two cores busy, and whoever sends texts that stall leaves room for others. */
const MAX_IN_FLIGHT_EACH = 2;
const MAX_QUEUED = 256;
/** A queue that is full takes so many of each principal all the same: whoever filled it, the others get in. */
const ALWAYS_QUEUED_EACH = 8;
/** With so many waiting, types are not checked: it is four fifths of the work, and a service. */
const BUSY_QUEUE = 32;

export class CompilerLine<T extends Waiting> {
  readonly #queue = new FairQueue<T>(MAX_QUEUED);
  /** They were in a child that died, and go before everybody else. */
  #suspects: readonly T[] = [];

  get size(): number {
    return this.#queue.size + this.#suspects.length;
  }

  get isBusy(): boolean {
    return this.#queue.size >= BUSY_QUEUE;
  }

  hasRoomFor(owner: string): boolean {
    return !this.#queue.full || this.#queue.sizeOf(owner) < ALWAYS_QUEUED_EACH;
  }

  push(job: T): void {
    this.#queue.push(job.owner, job);
  }

  /** Puts those who were in a dead child in front of everybody. */
  pushSuspects(jobs: readonly T[]): void {
    for (const job of jobs) job.suspect = true;
    this.#suspects = [...this.#suspects, ...jobs];
  }

  remove(job: T): void {
    this.#queue.remove(job.owner, job);
    this.#suspects = this.#suspects.filter((suspect) => suspect !== job);
  }

  /** Takes who may be sent now. Nobody is while a suspect is in the child or waits for it to be empty. */
  next(active: readonly T[]): T | undefined {
    if (active.some(({ suspect }) => suspect)) return undefined;
    const [suspect, ...others] = this.#suspects;
    if (suspect !== undefined) {
      if (active.length > 0) return undefined;
      this.#suspects = others;
      return suspect;
    }
    if (active.length >= MAX_IN_FLIGHT) return undefined;
    const mayGo = ({ owner }: T): true | undefined =>
      active.filter((job) => job.owner === owner).length < MAX_IN_FLIGHT_EACH || undefined;
    return this.#queue.takeFirst(mayGo)?.item;
  }

  /** Empties the line. */
  takeAll(): readonly T[] {
    const all = [...this.#suspects, ...this.#queue.drain()];
    this.#suspects = [];
    return all;
  }
}
