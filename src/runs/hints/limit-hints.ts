/** The next step for a program that a limit ended, as far as its own failure does not say it. */
import type { EngineFailureCode } from "../../../sandbox/index.ts";
import type { CallRecord } from "../record/calls.ts";
import type { RunState } from "../record/run-state.ts";

const MOST_NAMED = 3;

/** Undefined when the code is not that of a limit. */
export function hintForLimit(code: EngineFailureCode, run: RunState): string | undefined {
  switch (code) {
    case "cpu_timeout":
      return "Look for a loop that does not end. Otherwise have tools filter and count, and work on fewer items in one program.";
    case "memory_exceeded":
      return "Keep less at a time: ask tools for fewer rows and fields, work on them in turn, and keep only what the result needs.";
    case "wall_timeout": {
      const names = namesOf(run.calls.filter(({ open }) => open?.step === "started"));
      const waited = names === "" ? "" : `It was waiting for ${names}. `;
      return `${waited}Start calls that do not need each other together with Promise.all, or ask for a higher limits.wallMs.`;
    }
    case "too_many_calls":
      return "Ask for more with each call: filters, larger pages, batch tools.";
    default:
      return undefined;
  }
}

/** For a run that expired: nobody decided its calls in time. */
export function hintForExpired(run: RunState): string {
  const asked = namesOf(run.calls.filter(({ open }) => open?.step === "asked"));
  const waited = asked === "" ? "" : `It was waiting for a decision about ${asked}. `;
  return `${waited}Run the program again when somebody can decide, or have the operator add the tool to tools.autoExecute.`;
}

function namesOf(calls: readonly CallRecord[]): string {
  const names = [...new Set(calls.map(({ tool }) => tool))];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}
