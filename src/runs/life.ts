/** From where a run begins, or goes on, to where it ends: what still comes from its calls afterwards is lost. */
import type { CallJournal } from "../tools/gate-call.ts";
import type { Journal } from "./live-journal.ts";

export class Life {
  /** For its calls: takes nothing once it is over. */
  readonly journal: CallJournal;
  readonly #abort = new AbortController();

  constructor(journal: Pick<Journal, "append" | "flush">) {
    this.journal = {
      append: (body) => (this.over ? undefined : journal.append(body)),
      flush: () => journal.flush(),
    };
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get over(): boolean {
    return this.#abort.signal.aborted;
  }

  end(reason: Error): void {
    this.#abort.abort(reason);
  }
}
