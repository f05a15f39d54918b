/** The outcome of one run for the command line: a message for people, an exit code for scripts. */
import { errorTable } from "../errors.ts";
import type { RunError, ToolFailure } from "../journal.ts";
import type { Report } from "../runs/record/report-shape.ts";

type Outcome = Pick<Report, "status" | "error" | "pending">;

/** The failure for stderr: place, cause, next step. Empty for a program that completed. */
export function describeFailure({ status, error, pending }: Outcome, file: string): string {
  if (status === "waiting")
    return [
      "The program waits for a person to decide:",
      ...pending.map((call) => `  ${call.tool} ${JSON.stringify(call.arguments)} (${call.reason})`),
      "Add these tools to tools.autoExecute, or run the program with a policy that allows them.",
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

/** Remarks beside the result or the failure: one line each, in the form of compilers. */
export function describeRemarks(
  { diagnostics }: Pick<Report, "diagnostics">,
  file: string,
): readonly string[] {
  return diagnostics
    .filter(({ severity }) => severity !== "error")
    .map((remark) => `${positionIn(file, remark)} ${remark.severity}: ${remark.message}`);
}

/** In the form of compilers, which terminals and editors turn into a link. */
function positionIn(file: string, { line, column }: Pick<RunError, "line" | "column">): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}

/** 0 completed, 1 failed, 5 approval needed; for the other codes see `usage`. */
export function exitCodeOf({ status, error }: Outcome): number {
  if (status === "completed") return 0;
  if (status === "waiting") return 5;
  if (error?.code === "guest_error" && error.tool) return toolExitCode(error.tool.kind);
  return errorTable[error?.code ?? "internal_error"].exit;
}

/** An uncaught tool failure is the program's own, unless policy or the tool's server caused it. */
function toolExitCode(kind: ToolFailure["kind"]): number {
  switch (kind) {
    case "denied":
      return errorTable.tool_not_allowed.exit;
    case "unavailable":
    case "timeout":
      return errorTable[kind].exit;
    default:
      return errorTable.guest_error.exit;
  }
}
