/** How a model, or a program, gets to know tools it has not been shown: found by words, then described. */
import type { Catalog, CatalogTool } from "../tools/catalog.ts";
import { explainRefusal, type Policy, visible } from "../tools/policy.ts";
import { toolSearch } from "../tools/search.ts";
import { declareTools } from "./declarations.ts";
import { previewSignature } from "./signature-preview.ts";
import { docText } from "./type-text.ts";

/** Which tools there are, and which of them may be used. Nothing is ever said of others. */
export interface ToolView {
  readonly catalog: Catalog;
  readonly policy: Policy;
}

export interface FoundTool {
  /** `server/tool` */
  readonly tool: string;
  /** How a program calls it: `github.list_issues`. */
  readonly callable: string;
  /** Its beginning, on one line. */
  readonly description: string;
  /** On one line, what is nested left out: `github.list_issues(args: { owner: string; filter?: {…} }): Promise<any>`. */
  readonly signature: string;
}

/** Characters of a description that tell which tool it is. */
const MAX_DESCRIPTION = 200;
/** No tool has a longer name. */
const MAX_NAME_CHARS = 256;

/** The allowed tools that fit these words, best first; see `ToolSearch`. The same view and query give the same tools. */
export function findTools(
  query: string,
  options: { readonly limit?: number },
  { catalog, policy }: ToolView,
): readonly FoundTool[] {
  return toolSearch(catalog, policy)
    .search(query, options)
    .map((tool) => ({
      tool: tool.id,
      callable: tool.callable,
      description: docText(tool.description, MAX_DESCRIPTION),
      signature: previewSignature(tool),
    }));
}

/**
 * The declarations of these tools as TypeScript, and a comment line for every name that cannot be used, which says why
 * and what is nearest. A name is an id (`server/tool`), what a program writes (`server.tool`), what plain models call
 * (`server__tool`), or a tool's own name if no other server has it.
 */
export function describeTools(names: readonly string[], view: ToolView): string {
  const allowed = visible(view.catalog, view.policy);
  const found = new Set<CatalogTool>();
  const remarks = new Set<string>();
  for (const name of names) {
    const tool = toolNamed(name, allowed);
    if (tool === undefined) remarks.add(remark(explainRefusal(cut(name), view.catalog, view.policy).message));
    else if (tool.unavailable !== undefined)
      remarks.add(remark(`${tool.id} cannot be called: ${tool.unavailable}`));
    else found.add(tool);
  }
  return [declareTools([...found]), [...remarks].join("")].filter((part) => part !== "").join("\n");
}

function toolNamed(name: string, tools: readonly CatalogTool[]): CatalogTool | undefined {
  const exact = tools.find(({ id }) => id === name);
  if (exact !== undefined) return exact;
  const written = tools.find(
    (tool) => tool.callable === name || tool.functionName === name || `${tool.server}.${tool.name}` === name,
  );
  if (written !== undefined) return written;
  const [only, ...others] = tools.filter((tool) => tool.name === name);
  return others.length === 0 ? only : undefined;
}

function remark(message: string): string {
  return `// ${docText(message, 1_000)}\n`;
}

function cut(name: string): string {
  return name.slice(0, MAX_NAME_CHARS);
}
