/** The queue of the compiler: bounded, in turns of principals, suspects first and alone. */
import { FairQueue } from "../../../sandbox/index.ts";

export interface Waiting {
  /** The owner of the text. */
  readonly owner: string;
  /** Whether a compiler process died with this text in it: then it is sent alone. */
  suspect: boolean;
}

/** Texts in the compiler process at once. The parser is one thread; more would only lengthen every wait. */
const MAX_IN_FLIGHT = 4;
/**
 * Of these, texts of one principal: two keep two cores busy, and a principal whose texts stall leaves room for others.
 */
const MAX_IN_FLIGHT_EACH = 2;
const MAX_QUEUED = 256;
/** Texts of each principal that even a full queue accepts, so that one principal cannot shut the others out. */
const ALWAYS_QUEUED_EACH = 8;
/** From this queue length on programs are compiled unchecked: the check is 80 % of the cost and optional. */
const BUSY_QUEUE = 32;

export class CompilerLine<T extends Waiting> {
  readonly #queue = new FairQueue<T>(MAX_QUEUED);
  /** Texts from a dead compiler process; they are sent before all others. */
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

  /** Puts the texts of a dead compiler process before all others. */
  pushSuspects(jobs: readonly T[]): void {
    for (const job of jobs) job.suspect = true;
    this.#suspects = [...this.#suspects, ...jobs];
  }

  remove(job: T): void {
    this.#queue.remove(job.owner, job);
    this.#suspects = this.#suspects.filter((suspect) => suspect !== job);
  }

  /**
   * Takes the next text that may be sent. There is none while a suspect is in the process or waits for it to be empty.
   */
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

  /** Empties the queue. */
  takeAll(): readonly T[] {
    const all = [...this.#suspects, ...this.#queue.drain()];
    this.#suspects = [];
    return all;
  }
}
