/** The next step for a program that a limit ended, as far as its own failure does not say it. */
import type { EngineFailureCode } from "../../../sandbox/index.ts";
import type { JournalEvent } from "../../journal.ts";
import { openCallOf } from "../record/history.ts";

const MOST_NAMED = 3;

/** Undefined for what is no limit. */
export function hintForLimit(code: EngineFailureCode, events: readonly JournalEvent[]): string | undefined {
  switch (code) {
    case "cpu_timeout":
      return "Look for a loop that does not end. Otherwise have tools filter and count, and work on fewer items in one program.";
    case "memory_exceeded":
      return "Keep less at a time: ask tools for fewer rows and fields, work on them in turn, and keep only what the result needs.";
    case "wall_timeout": {
      const open = namesOf(events, ({ call }) => openCallOf(events, call)?.step === "started");
      const waited = open === "" ? "" : `It was waiting for ${open}. `;
      return `${waited}Start calls that do not need each other together with Promise.all, or ask for a higher limits.wallMs.`;
    }
    case "too_many_calls":
      return "Ask for more with each call: filters, larger pages, batch tools.";
    default:
      return undefined;
  }
}

/** For a run whose calls nobody decided in time. */
export function hintForExpired(events: readonly JournalEvent[]): string {
  const asked = namesOf(events, ({ call }) => openCallOf(events, call)?.step === "asked");
  const waited = asked === "" ? "" : `It was waiting for a decision about ${asked}. `;
  return `${waited}Run the program again when somebody can decide, or have the operator add the tool to tools.autoExecute.`;
}

type Requested = Extract<JournalEvent, { readonly type: "requested" }>;

function namesOf(events: readonly JournalEvent[], isWanted: (call: Requested) => boolean): string {
  const calls = events.filter((event): event is Requested => event.type === "requested").filter(isWanted);
  const names = [...new Set(calls.map(({ tool }) => tool))];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}
