/** Compiles a program's text for a run or a check, and refuses calls of tools outside the allowed set. */
import type { CompileOutcome, Compiler, Diagnostic, ToolReference, TypeCheck } from "../../code/compile.ts";
import { arrange, withoutResultNotes } from "../../code/diagnostics.ts";
import type { InputShape } from "../../code/syntax/input-shape.ts";
import { writeReference } from "../../code/syntax/references.ts";
import type { Catalog, CatalogTool } from "../../tools/catalog.ts";
import { explainRefusal } from "../../tools/explain-refusal.ts";
import { writeTool } from "../../tools/meant-tools.ts";
import { decide } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { hiddenGlobals, programDeclarations, programGlobals } from "./program-globals.ts";

export interface ProgramText {
  readonly principal: string;
  readonly code: string;
  readonly catalog: Catalog;
  readonly policy: Policy;
  /** Bytes of `code` after fences are removed. */
  readonly sourceBytes: number;
  readonly typecheck: "error" | "warn" | "off";
  readonly input: InputShape;
}

export interface CompiledText {
  readonly outcome: CompileOutcome;
  /** Ids of the tools it calls by name, in order of first appearance, those outside the policy included. */
  readonly calls: readonly string[];
  /** Where it calls them. A call by a computed name has no site. */
  readonly sites: readonly CallSite[];
  /** The calls that none of its policies allows, each tool once. Filled also when the check only warns. */
  readonly denied: readonly { readonly tool: string; readonly message: string }[];
}

/** Where a program's text calls a tool: 1-based lines of the author's text, in order. */
export interface CallSite {
  readonly tool: string;
  readonly lines: readonly number[];
}

/** Rejects as `Compiler.compile` does. */
export async function compileForRun(text: ProgramText, compiler: Compiler): Promise<CompiledText> {
  const { principal, code, catalog, policy, sourceBytes, typecheck, input } = text;
  const check = typecheck === "off" ? null : { mode: typecheck, ...typesFor(catalog, policy) };
  const outcome = await compiler.compile(
    {
      code,
      sourceBytes,
      globals: programGlobals(catalog),
      hidden: hiddenGlobals(catalog, policy),
      input,
      check,
    },
    { principal },
  );
  const called = referencesOf(outcome).flatMap((reference): readonly CallInText[] => {
    const found = resolve(reference, catalog);
    return found === undefined ? [] : [{ ...found, reference }];
  });
  const calls = called.flatMap(({ id, tool }) => (tool === undefined ? [] : [id]));
  const refusals = typecheck === "off" ? [] : refusalsOf(called, text);
  return {
    outcome: withRefusals(outcome, refusals),
    calls: [...new Set(calls)],
    sites: sitesOf(called),
    denied: typecheck === "off" ? [] : deniedAmong(called, catalog, policy),
  };
}

function sitesOf(called: readonly CallInText[]): readonly CallSite[] {
  const known = called.filter(({ tool }) => tool !== undefined);
  return [...Map.groupBy(known, ({ id }) => id)].map(([tool, calls]) => {
    const lines = calls.flatMap(({ reference: { line, otherLines = [] } }) => [line, ...otherLines]);
    return { tool, lines: [...new Set(lines)].sort((one, other) => one - other) };
  });
}

function deniedAmong(
  called: readonly CallInText[],
  catalog: Catalog,
  policy: Policy,
): CompiledText["denied"] {
  const denied = called.flatMap(({ id, tool }) =>
    tool !== undefined && decide(tool, policy).verdict === "deny"
      ? [[id, { tool: id, message: explainRefusal(id, { catalog, policy }, "program").message }] as const]
      : [],
  );
  return [...new Map(denied).values()];
}

function typesFor(catalog: Catalog, policy: Policy): Omit<TypeCheck, "mode"> {
  const declarations = programDeclarations(catalog, policy);
  const promised = programDeclarations(catalog.promised ?? catalog, policy);
  return promised.hash === declarations.hash ? { declarations } : { declarations, promised };
}

interface CallInText extends Called {
  readonly reference: ToolReference;
}

function referencesOf(outcome: CompileOutcome): readonly ToolReference[] {
  if (outcome.ok) return outcome.program.toolReferences;
  return outcome.code === "type_error" ? outcome.toolReferences : [];
}

function refusalsOf(
  called: readonly CallInText[],
  { catalog, policy, typecheck }: ProgramText,
): readonly Diagnostic[] {
  return called.flatMap(({ id, tool, reference }): readonly Diagnostic[] => {
    const message = refusalOf(id, tool, writeReference(reference), catalog, policy);
    if (message === undefined) return [];
    const { line, column } = reference;
    const severity = typecheck === "error" ? "error" : "warning";
    return [{ severity, code: null, message, line, column }];
  });
}

function refusalOf(
  id: string,
  tool: CatalogTool | undefined,
  asked: string,
  catalog: Catalog,
  policy: Policy,
): string | undefined {
  if (tool !== undefined && decide(tool, policy).verdict === "deny")
    return explainRefusal(id, { catalog, policy }, "program").message;
  if (tool?.unavailable !== undefined) return `${writeTool(tool)} cannot be called: ${tool.unavailable}`;
  return tool === undefined ? explainRefusal(id, { catalog, policy }, "program", asked).message : undefined;
}

/** Where a line has several faults, keeps the refusal of the tool: its author has to know that one. */
function withRefusals(outcome: CompileOutcome, refusals: readonly Diagnostic[]): CompileOutcome {
  if (refusals.length === 0) return outcome;
  if (!outcome.ok && outcome.code !== "type_error") return outcome;
  const refusedLines = new Set(refusals.map(({ line }) => line));
  const found = outcome.ok ? outcome.program.diagnostics : outcome.diagnostics;
  const others = found.filter(({ severity, line }) => severity === "note" || !refusedLines.has(line));
  const arranged = arrange([...refusals, ...others]);
  const [first] = arranged;
  if (first?.severity !== "error")
    return outcome.ok ? { ok: true, program: { ...outcome.program, diagnostics: arranged } } : outcome;
  const diagnostics = withoutResultNotes(arranged);
  const { message, line, column } = first;
  const toolReferences = referencesOf(outcome);
  const hint = outcome.ok || outcome.line !== line ? {} : hintOf(outcome, message);
  return { ok: false, code: "type_error", message, ...hint, line, column, diagnostics, toolReferences };
}

function hintOf(
  outcome: Extract<CompileOutcome, { code: "type_error" }>,
  message: string,
): { readonly hint?: string } {
  return outcome.hint !== undefined && message.startsWith(outcome.message) ? { hint: outcome.hint } : {};
}

interface Called {
  readonly id: string;
  /** Undefined when there is no such tool. */
  readonly tool: CatalogTool | undefined;
}

/** The tool a reference leads to; undefined when it is not a call of one, like `tools.search("…")`, or may be one. */
function resolve({ root, path }: ToolReference, catalog: Catalog): Called | undefined {
  const local = catalog.tools.find((tool) => tool.method === null && tool.global === root);
  if (local !== undefined) return { id: local.id, tool: local };
  const [first, second] = path;
  const [server, name] =
    root === "tools" ? [first, second] : [catalog.servers.find(({ global }) => global === root)?.name, first];
  if (server === undefined || name === undefined || !isKnown(server, catalog)) return undefined;
  // Of a longer chain, as in `shop.tools.order(…)`, the rest tells what was meant.
  const id = `${server}/${(root === "tools" ? path.slice(1) : path).join("/")}`;
  const byMethod = catalog.tools.find((tool) => tool.global === root && tool.method === name);
  const tool = byMethod ?? catalog.byId(`${server}/${name}`);
  return { id: tool?.id ?? id, tool };
}

/**
 * False for a server that is still connecting: its tools are not known yet. True for a name that no server has.
 */
function isKnown(server: string, catalog: Catalog): boolean {
  const isServer = catalog.servers.some(({ name }) => name === server);
  return !isServer || catalog.tools.some((tool) => tool.server === server);
}
