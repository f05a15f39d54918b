/**
 * Lets a model, or a program, discover tools that it was not shown: search finds them by words, then describe declares
 * them.
 */
import type { Catalog, CatalogTool } from "../../tools/catalog.ts";
import { explainRefusal } from "../../tools/explain-refusal.ts";
import { writeTool } from "../../tools/meant-tools.ts";
import { visible } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { toolSearch } from "../../tools/search.ts";
import { quote } from "../../tools/spelling.ts";
import { declareTools } from "./declarations.ts";
import { previewSignature } from "./signature-preview.ts";
import { docText } from "./type-text.ts";

/** The catalog, and the allowed tools: no other tool is found or declared. */
export interface ToolView {
  readonly catalog: Catalog;
  readonly policy: Policy;
}

export interface FoundTool {
  /** `server/tool` */
  readonly tool: string;
  /** How a program calls it: `github.list_issues`. */
  readonly callable: string;
  /** The beginning of the description, on one line. */
  readonly description: string;
  /** On one line, without nested parts: `github.list_issues(args: { owner: string; filter?: {…} }): Promise<any>`. */
  readonly signature: string;
}

/** Characters of a description that are enough to recognize the tool. */
const MAX_DESCRIPTION = 200;
/** No tool has a longer name. */
const MAX_NAME_CHARS = 256;
/** Most tools described at once. */
export const MAX_DESCRIBED = 200;
/**
 * Unknown names that are explained. Near names are searched in the whole catalog, which takes some milliseconds with
 * thousands of tools.
 */
const MAX_EXPLAINED = 5;
const MAX_REMARK = 1_000;

/**
 * The allowed tools that match these words, best first; see `ToolSearch`. The same view and query give the same tools.
 */
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
 * The declarations of these tools as TypeScript. A comment line for each name that cannot be used gives the reason and
 * the nearest names. A name may be an id (`server/tool`), a program's form (`server.tool`), a plain model's form
 * (`server__tool`), or a tool's own name if no other server has it. The first 200 names count. Of the unusable names
 * five are explained, the others counted.
 */
export function describeTools(names: readonly string[], view: ToolView): string {
  const allowed = visible(view.catalog, view.policy);
  const asked = [...new Set(names)];
  const found = new Set<CatalogTool>();
  const missing: string[] = [];
  for (const name of asked.slice(0, MAX_DESCRIBED)) {
    const tool = toolNamed(name, allowed);
    if (tool === undefined || tool.unavailable !== undefined) missing.push(name);
    else found.add(tool);
  }
  const remarks = missing.slice(0, MAX_EXPLAINED).map((name) => whyMissing(name, allowed, view));
  const others = missing.length - remarks.length;
  if (others > 0) remarks.push(`${others} more of these names mean no tool that can be called.`);
  if (asked.length > MAX_DESCRIBED)
    remarks.push(
      `${asked.length - MAX_DESCRIBED} more names were left out: ask for at most ${MAX_DESCRIBED} at once.`,
    );
  const comments = remarks.map((remark) => `// ${docText(remark, MAX_REMARK)}\n`).join("");
  return [declareTools([...found]), comments].filter((part) => part !== "").join("\n");
}

function whyMissing(name: string, allowed: readonly CatalogTool[], view: ToolView): string {
  const tool = toolNamed(name, allowed);
  if (tool?.unavailable !== undefined) return `${writeTool(tool)} cannot be called: ${tool.unavailable}`;
  const asked = name.slice(0, MAX_NAME_CHARS);
  return explainRefusal(asked, view, "program", quote(asked)).message;
}

/** The tool that has this name in any form. */
export function toolNamed(name: string, tools: readonly CatalogTool[]): CatalogTool | undefined {
  const exact = tools.find(({ id }) => id === name);
  if (exact !== undefined) return exact;
  const written = tools.find(
    (tool) => tool.callable === name || tool.functionName === name || `${tool.server}.${tool.name}` === name,
  );
  if (written !== undefined) return written;
  const [only, ...others] = tools.filter((tool) => tool.name === name);
  return others.length === 0 ? only : undefined;
}
