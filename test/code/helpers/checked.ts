/** A compiler process and a few tools to check programs against, as a gateway would have them. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { CompileOutcome, CompileRequest, Declarations, Diagnostic } from "../../../src/code/compile.ts";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import type { CompilerOptions } from "../../../src/code/process/compiler-options.ts";
import { type CompilerProcess, createCompiler } from "../../../src/code/process/compiler-process.ts";
import { type InputShape, noInput } from "../../../src/code/syntax/input-shape.ts";
import { createLog } from "../../../src/log.ts";
import { programGlobals } from "../../../src/runs/program/program-globals.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import type { JsonSchema, ToolSource } from "../../../src/tools/tool-source.ts";
import { source } from "./tools.ts";

const text: JsonSchema = { type: "string" };
const number: JsonSchema = { type: "number" };

/** An object that holds these properties and no others; names that end in `?` are optional. */
function object(properties: { readonly [name: string]: JsonSchema }): JsonSchema {
  const entries = Object.entries(properties);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace("?", ""), schema])),
    required: entries.flatMap(([name]) => (name.endsWith("?") ? [] : [name])),
    additionalProperties: false,
  };
}

function array(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

const issue = object({
  number,
  title: text,
  state: { enum: ["open", "closed"] },
  labels: array(text),
  assignee: { anyOf: [object({ login: text }), { type: "null" }] },
  "body?": text,
});

function tool(
  name: string,
  input: JsonSchema,
  outputSchema?: JsonSchema,
  rest: Partial<ToolSource> = {},
): ToolSource {
  return source(name, input, { ...(outputSchema === undefined ? {} : { outputSchema }), ...rest });
}

const sources: { readonly [server: string]: readonly ToolSource[] } = {
  github: [
    tool(
      "list_issues",
      object({ owner: text, repo: text, "state?": { enum: ["open", "closed", "all"] }, "per_page?": number }),
      object({ issues: array(issue), "next_page?": number }),
    ),
    tool("get_issue", object({ owner: text, repo: text, number }), issue),
    tool("create_issue", object({ owner: text, repo: text, title: text, "labels?": array(text) }), issue),
    tool("list_repos", object({}), array(object({ name: text, stars: number }))),
  ],
  slack: [
    tool("post_message", object({ channel: text, text }), object({ ok: { type: "boolean" }, ts: text })),
    tool("search-users", object({ query: text })),
  ],
  local: [
    tool("calculator", object({ operation: { enum: ["add", "multiply"] }, a: number, b: number }), number),
    tool("analyzeFile", object({ path: text }), object({ lines: number }), { positional: ["path"] }),
  ],
};

const catalog = buildCatalog(
  Object.entries(sources).map(([server, tools]) => ({ server, tools })),
  { readOnly: [], idempotent: [] },
);
const globals = programGlobals(catalog);

export const declarations: Declarations = declare(renderDeclarations(catalog.tools, [], "check"));

export function declare(text: string): Declarations {
  return { hash: createHash("sha256").update(text).digest("hex"), text };
}

export type Check = (
  code: string,
  mode?: "error" | "warn" | "off",
  against?: Declarations,
  input?: InputShape,
) => Promise<CompileOutcome>;

export function checkWith(compiler: CompilerProcess): Check {
  return (code, mode = "error", against = declarations, input = noInput) => {
    const check = mode === "off" ? null : { mode, declarations: against };
    return compiler.compile({ code, sourceBytes: 65_536, globals, input, check }, { principal: "ann" });
  };
}

export function openChecked(options: Partial<CompilerOptions> = {}): Promise<CompilerProcess> {
  return createCompiler({ log: createLog("silent"), spareAfterMs: 600_000, ...options });
}

/** One compiler for the tests of a file. */
export function useChecked(options: Partial<CompilerOptions> = {}): Check {
  const compiler = whileTesting(options);
  return (...check) => checkWith(compiler())(...check);
}

/** The same for requests of every kind. */
export function useCompiler(): (request: CompileRequest) => Promise<CompileOutcome> {
  const compiler = whileTesting({});
  return (request) => compiler().compile(request, { principal: "ann" });
}

function whileTesting(options: Partial<CompilerOptions>): () => CompilerProcess {
  let compiler: CompilerProcess | undefined;
  beforeAll(async () => {
    compiler = await openChecked(options);
  });
  afterAll(() => compiler?.[Symbol.asyncDispose]());
  return () => {
    if (compiler === undefined) throw new Error("the compiler is not open yet");
    return compiler;
  };
}

export function diagnosticsOf(outcome: CompileOutcome): readonly Diagnostic[] {
  return outcome.ok ? outcome.program.diagnostics : outcome.diagnostics;
}

/** `error 2339 at 1:20: …`, one for each. */
export function said(outcome: CompileOutcome): readonly string[] {
  return diagnosticsOf(outcome).map(
    ({ severity, code, line, column, message }) =>
      `${severity} ${code ?? "-"} at ${line}:${column}: ${message}`,
  );
}
