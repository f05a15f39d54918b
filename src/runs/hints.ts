/** One sentence with the way out, for failures whose own words do not say it. Written for a model to read. */
import type { EngineFailure } from "../../sandbox/index.ts";
import { NO_IMPORT, wayOutOfMember } from "../code/absent-names.ts";

/** A name by itself, or the last one of a chain: `globalThis.eval`, `buffer.resize`. */
const MISSING =
  /^(?:ReferenceError: (?<name>\S+) is not defined|TypeError: .*\.(?<name>[\w$]+) is not a (?:function|constructor))$/;

export function hintFor(failure: EngineFailure): string | undefined {
  switch (failure.code) {
    case "guest_error": {
      if (failure.message === "Error: Not supported") return NO_IMPORT;
      const name = MISSING.exec(failure.message)?.groups?.["name"];
      return name === undefined ? undefined : wayOutOfMember(name);
    }
    case "pending_forever":
      return "Every promise must come from a tool call, sleep or setTimeout; check for a resolve that is never called.";
    case "not_serializable":
      return "Return plain data: objects, arrays, strings, numbers, booleans, null.";
    case "result_too_large":
      return "Return a summary or fewer rows.";
    case "too_many_calls":
      return "Ask for more with each call: filters, larger pages, batch tools.";
    default:
      return undefined;
  }
}
