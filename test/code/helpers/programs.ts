import { Script } from "node:vm";
import type { CompiledProgram, CompileOutcome, Diagnostic } from "../../../src/code/compile.ts";
import { compileProgram } from "../../../src/code/compile-program.ts";

const GLOBALS = ["gh", "calculator", "tools", "input", "console", "sleep"];

/** Without types: nothing is refused for them. */
export async function compile(code: string, sourceBytes = 65_536): Promise<CompileOutcome> {
  return (await compileProgram({ code, sourceBytes, globals: GLOBALS, check: { mode: "off" } })).outcome;
}

/** The program, or a failed test that says why there is none. */
export async function compiled(code: string): Promise<CompiledProgram> {
  const outcome = await compile(code);
  if (!outcome.ok) throw new Error(`${outcome.line}:${outcome.column} ${outcome.message}`);
  return outcome.program;
}

/** What a program returns, run in this process over a few stand-in tools. */
export async function evaluate(
  program: CompiledProgram,
  environment: { readonly [name: string]: unknown } = standIns,
): Promise<unknown> {
  const names = Object.keys(environment);
  const script = new Script(`(${names.join(", ")}) => ${program.js}`, { filename: "program.js" });
  const bind = script.runInThisContext() as (...values: readonly unknown[]) => () => Promise<unknown>;
  return await bind(...Object.values(environment))();
}

const standIns = {
  gh: { list: async (args: unknown) => ({ issues: [1, 2], args }), get: async () => 7 },
  calculator: async ({ a, b }: { a: number; b: number }) => a + b,
  console: { log: () => undefined },
  input: {},
};

export function notes(program: { readonly diagnostics: readonly Diagnostic[] }): readonly string[] {
  return program.diagnostics.map(({ severity, message }) => `${severity}: ${message}`);
}

/** What is said of a program before it runs, as a run that is type-checked is told it: `error 1:8 …`. No types are looked at. */
export async function remarksOf(code: string): Promise<readonly string[]> {
  const request = {
    code,
    sourceBytes: 65_536,
    globals: LINTED,
    check: { mode: "error", types: null, why: "busy" },
  } as const;
  const { outcome } = await compileProgram(request);
  const diagnostics = outcome.ok ? outcome.program.diagnostics : outcome.diagnostics;
  return diagnostics
    .filter(({ severity }) => severity !== "note")
    .map(({ severity, line, column, message }) => `${severity} ${line}:${column} ${message}`);
}

const LINTED = [...GLOBALS, "shop", "github", "runs", "setTimeout", "clearTimeout", "ToolError"];
