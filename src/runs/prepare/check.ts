/** What would happen to a program, as far as its text says: nothing runs. */
import type { Compiler } from "../../code/compile.ts";
import { unknownInput } from "../../code/syntax/input-shape.ts";
import { compileForRun, type ProgramText } from "../program/compile-for-run.ts";
import type { Diagnostic } from "../record/report.ts";

export type CheckRequest = Omit<ProgramText, "typecheck" | "input">;

export interface CheckResult {
  /** True when no diagnostic is an error. */
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** Ids of the tools it calls by name, in order of first appearance, those outside the policy included. */
  readonly calls: readonly string[];
}

/** Rejects as `Compiler.compile` does. */
export async function checkProgram(request: CheckRequest, compiler: Compiler): Promise<CheckResult> {
  const { outcome, calls } = await compileForRun(
    { ...request, typecheck: "error", input: unknownInput },
    compiler,
  );
  if (outcome.ok) return { ok: true, diagnostics: outcome.program.diagnostics, calls };
  const { message, line = 1, column = 1 } = outcome;
  const fault: Diagnostic = { severity: "error", code: null, message, line, column };
  const told = outcome.diagnostics.some(({ severity }) => severity === "error");
  return { ok: false, diagnostics: told ? outcome.diagnostics : [fault, ...outcome.diagnostics], calls };
}
