/** The tool calls of one run that have no answer yet: queued, in flight in the host, or held for a person. */
import { hostFault } from "./failures.ts";
import type { GuestCall, Hold, RunHost, Settlement } from "./index.ts";

export interface OpenCallsOptions {
  readonly host: Pick<RunHost, "call">;
  /** In flight at once; more are queued. */
  readonly atOnce: number;
  /** Calls go out only while this is true; `advance` looks again. */
  readonly mayStart: () => boolean;
  readonly settled: (call: GuestCall, settlement: Settlement) => void;
  /** Something was settled or held. */
  readonly changed: () => void;
}

export class OpenCalls {
  readonly #options: OpenCallsOptions;
  readonly #queued: GuestCall[] = [];
  readonly #held = new Set<number>();
  #inFlight = 0;
  #closed = false;
  readonly #abort = new AbortController();

  constructor(options: OpenCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#queued.length + this.#inFlight + this.#held.size;
  }

  /** True when all that is open waits for a person. */
  get onlyHeld(): boolean {
    return this.#queued.length === 0 && this.#inFlight === 0 && this.#held.size > 0;
  }

  push(call: GuestCall): void {
    this.#queued.push(call);
    this.advance();
  }

  advance(): void {
    const { atOnce, host, mayStart } = this.#options;
    while (this.#inFlight < atOnce && mayStart()) {
      const call = this.#queued.shift();
      if (call === undefined) return;
      this.#await(call, host.call(call, this.#abort.signal));
    }
  }

  /** The run has ended: calls in flight are aborted, and nothing of them is heard any more. */
  close(): void {
    this.#closed = true;
    // Making the signal's error takes longer than all the rest of an ending.
    if (this.#inFlight > 0) this.#abort.abort();
  }

  #await(call: GuestCall, answer: Promise<Settlement | Hold>): void {
    this.#inFlight += 1;
    const settled = answer.catch(() => hostFault(call));
    void settled.then((settlement) => {
      this.#inFlight -= 1;
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
