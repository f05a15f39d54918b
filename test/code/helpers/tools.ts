import { buildCatalog, type CatalogTool } from "../../../src/tools/catalog.ts";
import type { JsonSchema, ToolSource } from "../../../src/tools/tool-source.ts";

/** A tool as a server would announce it. */
export function source(name: string, inputSchema: JsonSchema, rest: Partial<ToolSource> = {}): ToolSource {
  return { name, description: `Does ${name}.`, inputSchema, annotations: {}, ...rest };
}

/** The tools of some servers with the names a catalog gives them. */
export function toolsOf(servers: {
  readonly [server: string]: readonly ToolSource[];
}): readonly CatalogTool[] {
  const sources = Object.entries(servers).map(([server, tools]) => ({ server, tools }));
  return buildCatalog(sources, { readOnly: [], idempotent: [] }).tools;
}
