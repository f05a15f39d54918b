/** A call can outlive its run: what it still has to say then has nowhere to be written. */
import type { CallJournal } from "../tools/bridge.ts";
import type { Journal } from "./live-journal.ts";

/** The journal for one call: drops what comes after the run has ended. */
export function sealJournal(journal: Journal): CallJournal {
  return {
    append: (body) => (journal.events.at(-1)?.type === "ended" ? undefined : journal.append(body)),
    flush: () => journal.flush(),
  };
}
