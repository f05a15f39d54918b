/** The unanswered tool calls of one run: queued, in flight in the host, or held for a person. */

import type { GuestCall, Hold, RunHost, Settlement } from "../engine.ts";
import { hostFault } from "./failures.ts";

/** Calls a run may start in one turn of the gateway's event loop; the others wait behind those of other runs. */
const CALLS_PER_TURN = 16;

export interface OpenCallsOptions {
  readonly host: Pick<RunHost, "call">;
  /** Most calls in flight at once; more are queued. */
  readonly atOnce: number;
  /** Calls start only while this is true; `advance` checks again. */
  readonly mayStart: () => boolean;
  readonly settled: (call: GuestCall, settlement: Settlement) => void;
  /** Called when a call was settled or held. */
  readonly changed: () => void;
}

export class OpenCalls {
  readonly #options: OpenCallsOptions;
  readonly #queued: GuestCall[] = [];
  readonly #held = new Set<number>();
  readonly #inFlight = new Set<number>();
  #startedInTurn = 0;
  #closed = false;
  readonly #abort = new AbortController();

  constructor(options: OpenCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#queued.length + this.#inFlight.size + this.#held.size;
  }

  /** Numbers of the open calls, in the order in which they were made. */
  get open(): readonly number[] {
    const queued = this.#queued.map(({ n }) => n);
    return [...this.#inFlight, ...this.#held, ...queued].sort((one, other) => one - other);
  }

  /** True when every open call waits for a person. */
  get onlyHeld(): boolean {
    return this.#queued.length === 0 && this.#inFlight.size === 0 && this.#held.size > 0;
  }

  push(call: GuestCall): void {
    this.#queued.push(call);
    this.advance();
  }

  /**
   * Starts queued calls, a few per turn: otherwise ten thousand calls to a fast tool would start before any other
   * run's.
   */
  advance(): void {
    const { atOnce, host, mayStart } = this.#options;
    while (this.#inFlight.size < atOnce && this.#startedInTurn < CALLS_PER_TURN && mayStart()) {
      const call = this.#queued.shift();
      if (call === undefined) return;
      if (this.#startedInTurn === 0) setImmediate(() => this.#nextTurn());
      this.#startedInTurn += 1;
      this.#await(call, host.call(call, this.#abort.signal));
    }
  }

  /** The run has ended: calls in flight are aborted, and their settlements are ignored. */
  close(): void {
    this.#closed = true;
    // Making the signal's error takes longer than the rest of an ending, so abort only where a call may listen.
    if (this.#inFlight.size > 0) this.#abort.abort();
  }

  #nextTurn(): void {
    this.#startedInTurn = 0;
    if (!this.#closed) this.advance();
  }

  #await(call: GuestCall, answer: Promise<Settlement | Hold>): void {
    this.#inFlight.add(call.n);
    const settled = answer.catch(() => hostFault(call));
    void settled.then((settlement) => {
      this.#inFlight.delete(call.n);
      if (this.#closed) return;
      this.advance();
      if (settlement.type === "held") this.#hold(call, settlement);
      else this.#options.settled(call, settlement);
      this.#options.changed();
    });
  }

  #hold(call: GuestCall, { decided }: Hold): void {
    this.#held.add(call.n);
    void decided.then((make) => {
      if (this.#closed) return;
      this.#held.delete(call.n);
      this.#await(call, make());
    });
  }
}
