/** What would happen to a program, as far as its text says: nothing runs. */
import type { Compiler, ToolReference } from "../code/compile.ts";
import type { Catalog, CatalogTool } from "../tools/catalog.ts";
import { decide, explainRefusal, type Policy } from "../tools/policy.ts";
import { programGlobals } from "./program-globals.ts";
import type { Diagnostic } from "./report.ts";

export interface CheckRequest {
  readonly principal: string;
  readonly code: string;
  readonly catalog: Catalog;
  readonly policy: Policy;
  /** Bytes of `code` after fences are removed. */
  readonly sourceBytes: number;
}

export interface CheckResult {
  /** True when no diagnostic is an error. */
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** Ids of the tools it calls by name, in order of first appearance, those outside the policy included. */
  readonly calls: readonly string[];
}

/** Rejects as `Compiler.compile` does. */
export async function checkProgram(request: CheckRequest, compiler: Compiler): Promise<CheckResult> {
  const { principal, code, catalog, policy, sourceBytes } = request;
  const program = { code, sourceBytes, globals: programGlobals(catalog) };
  const outcome = await compiler.compile(program, { principal });
  if (!outcome.ok) {
    const { message, line = 1, column = 1 } = outcome;
    const fault: Diagnostic = { severity: "error", code: null, message, line, column };
    const told = outcome.diagnostics.some(({ severity }) => severity === "error");
    return {
      ok: false,
      diagnostics: told ? outcome.diagnostics : [fault, ...outcome.diagnostics],
      calls: [],
    };
  }
  const calls = new Set<string>();
  const refused: Diagnostic[] = [];
  for (const reference of outcome.program.toolReferences) {
    const called = resolve(reference, catalog);
    if (called === undefined) continue;
    if (called.tool !== undefined) calls.add(called.id);
    if (called.tool !== undefined && decide(called.tool, policy).verdict !== "deny") continue;
    const { message } = explainRefusal(called.id, catalog, policy);
    refused.push({ severity: "error", code: null, message, line: reference.line, column: reference.column });
  }
  const diagnostics = [...refused, ...outcome.program.diagnostics];
  return { ok: !diagnostics.some(({ severity }) => severity === "error"), diagnostics, calls: [...calls] };
}

interface Called {
  readonly id: string;
  /** Undefined when there is no such tool. */
  readonly tool: CatalogTool | undefined;
}

/** The tool a reference leads to; undefined when it is not a call of one, like `tools.search("…")`. */
function resolve({ root, path }: ToolReference, catalog: Catalog): Called | undefined {
  const local = catalog.tools.find((tool) => tool.method === null && tool.global === root);
  if (local !== undefined) return { id: local.id, tool: local };
  const [first, second] = path;
  if (root === "tools") {
    if (first === undefined || second === undefined) return undefined;
    const id = `${first}/${second}`;
    return { id, tool: catalog.byId(id) };
  }
  const server = catalog.servers.find(({ global }) => global === root);
  if (server === undefined || first === undefined) return undefined;
  const tool =
    catalog.tools.find(({ global, method }) => global === root && method === first) ??
    catalog.byId(`${server.name}/${first}`);
  return { id: tool?.id ?? `${server.name}/${first}`, tool };
}
