/**
 * From where a run begins, or goes on, to where it ends: what still comes from its calls afterwards is lost. Of a run
 * that is stranded it is recorded: they outlive what they were made for.
 */
import type { CallJournal } from "../../tools/gate/gate-call.ts";
import type { Journal } from "./live-journal.ts";

export class Life {
  /** For its calls: takes nothing once it has ended. */
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

  /** For its calls. */
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

  /** Over for all but the calls that are under way. */
  strand(reason: Error): void {
    this.#abort.abort(reason);
  }
}
