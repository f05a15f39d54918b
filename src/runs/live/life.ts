/**
 * The life of a run, from its start or resumption to its end. What its calls report after the end is dropped. For a
 * stranded run it is still recorded: its calls outlive their program.
 */
import type { CallJournal } from "../../tools/gate/gate-call.ts";
import type { Journal } from "./live-journal.ts";

export class Life {
  /** The journal for its calls: takes nothing once the life has ended. */
  readonly journal: CallJournal;
  readonly #abort = new AbortController();
  readonly #calls = new AbortController();

  constructor(journal: Pick<Journal, "append" | "flush" | "isHeld">) {
    this.journal = {
      append: (body) => (this.callSignal.aborted ? undefined : journal.append(body)),
      flush: () => journal.flush(),
      isHeld: () => journal.isHeld(),
    };
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The signal for its calls. */
  get callSignal(): AbortSignal {
    return this.#calls.signal;
  }

  get over(): boolean {
    return this.#abort.signal.aborted;
  }

  end(reason: Error): void {
    this.#abort.abort(reason);
    this.#calls.abort(reason);
  }

  /** Ends the life for everything but the calls under way. */
  strand(reason: Error): void {
    this.#abort.abort(reason);
  }
}
