/** How one run ended, as the command line says it: a message for people, a number for scripts. */
import { errorTable, toolFailureCode } from "../errors.ts";
import type { RunError } from "../journal.ts";
import type { Report } from "../runs/report.ts";

type Outcome = Pick<Report, "status" | "error" | "pending">;

/** What went wrong, for stderr: where, what, what to do next. Empty for a program that completed. */
export function describeFailure({ status, error, pending }: Outcome, file: string): string {
  if (status === "waiting")
    return [
      "The program waits for a person to decide:",
      ...pending.map((call) => `  ${call.tool} ${JSON.stringify(call.arguments)} (${call.reason})`),
      "Add these tools to tools.autoExecute, or use `toolarium serve`, where calls can be decided.",
    ].join("\n");
  if (error === null) return "";
  return [
    `${positionIn(file, error)}: ${error.code}: ${error.message}`,
    ...(error.hint === undefined ? [] : [error.hint]),
    ...(error.effects === "possible"
      ? ["A call that can change something had started before the program ended."]
      : []),
  ].join("\n");
}

/** As compilers write it, so that terminals and editors make it a link. */
function positionIn(file: string, { line, column }: RunError): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}

/** A tool failure that the program did not catch counts as what it is, not as a fault of the program. */
export function exitCodeOf({ status, error }: Outcome): number {
  if (status === "completed") return 0;
  if (status === "waiting") return 5;
  if (error?.code === "guest_error" && error.tool) return errorTable[toolFailureCode[error.tool.kind]].exit;
  return errorTable[error?.code ?? "internal_error"].exit;
}
