/** The memory that one run takes while this process owns it: its program, its input, and its journal. */
import { ToolariumError } from "../../errors.ts";
import type { JournalEventBody } from "../../journal.ts";
import { KEPT_PER_CHAR, type MemoryBudget, SMALL_BYTES } from "../../memory-budget.ts";

export interface RunMemory {
  /** Counts what the run is from its start. @throws `overloaded` when there is no room for it; nothing is counted then */
  begin(specChars: number): void;
  /** The same for a run that resumes. It is never refused. */
  goOn(specChars: number): void;
  /** Counts an event, once. */
  keep(event: JournalEventBody): void;
  /** The run is not owned here any more. Idempotent. */
  release(): void;
}

/** The record of a run is held as a value too, and as the text that its worker gets. */
const TIMES_A_SPEC = 2 * KEPT_PER_CHAR;
const RETRY_AFTER_SECONDS = 2;

export function createRunMemory(budget: MemoryBudget): RunMemory {
  const counted = new WeakSet<JournalEventBody>();
  let held = 0;
  const hold = (bytes: number): void => {
    budget.hold(bytes);
    held += bytes;
  };
  return {
    begin(specChars) {
      const bytes = specChars * TIMES_A_SPEC;
      if (specChars > SMALL_BYTES && !budget.fits(bytes))
        throw new ToolariumError("overloaded", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
      hold(bytes);
    },
    goOn: (specChars) => hold(specChars * TIMES_A_SPEC),
    keep(event) {
      if (counted.has(event)) return;
      counted.add(event);
      hold(charsOf(event) * KEPT_PER_CHAR);
    },
    release() {
      budget.release(held);
      held = 0;
    },
  };
}

/** Characters of the event's texts that can be long. */
function charsOf(event: JournalEventBody): number {
  const outcome = event.type === "settled" && event.outcome.ok ? event.outcome.value.length : 0;
  return Object.values(event).reduce(
    (sum, field) => (typeof field === "string" ? sum + field.length : sum),
    outcome,
  );
}
