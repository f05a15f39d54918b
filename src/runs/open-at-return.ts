/** Calls that were open when a program returned: which they are, and the line that made them. */
import { OPEN_AT_RETURN } from "../../sandbox/index.ts";
import type { Diagnostic } from "../code/compile.ts";
import type { CallRecord } from "./calls.ts";
import type { CallSite } from "./compile-for-run.ts";

export interface ProgramRemarks {
  readonly diagnostics: readonly Diagnostic[];
  /** Where the text calls its tools. */
  readonly sites: readonly CallSite[];
}

/** A warning of the engine about the whole run; one about open calls stands where the program makes them. */
export function placeWarning(
  message: string,
  program: ProgramRemarks,
  calls: readonly CallRecord[],
): Diagnostic {
  const warning = { severity: "warning", code: null, message, line: 1, column: 1 } as const;
  if (!message.includes(OPEN_AT_RETURN)) return warning;
  const tools = [...new Set(calls.filter(({ settlement }) => settlement === null).map(({ tool }) => tool))];
  const places = tools.flatMap((tool) => {
    const line = lineOf(tool, program);
    return line === undefined ? [] : [{ tool, line }];
  });
  const [first] = places.toSorted((a, b) => a.line - b.line);
  if (first === undefined) return warning;
  const said = places.slice(0, MAX_SAID).map(({ tool, line }) => `${tool} in line ${line}`);
  return { ...warning, message: `${message} Open were: ${said.join(", ")}.`, line: first.line };
}

const MAX_SAID = 5;

/** A tool may be called in several places: the one below a remark about work that nobody waits for, else the last. */
function lineOf(tool: string, { diagnostics, sites }: ProgramRemarks): number | undefined {
  const lines = sites.find((site) => site.tool === tool)?.lines ?? [];
  for (const { severity, line } of diagnostics) {
    const below = severity === "warning" ? lines.find((each) => each >= line) : undefined;
    if (below !== undefined) return below;
  }
  return lines.at(-1);
}
