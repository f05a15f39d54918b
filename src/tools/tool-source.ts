/** A tool as its server describes it, before the catalog gives it a name that programs can write. */

/** JSON Schema as servers send it: an object, or the boolean schemas. Never trusted to be well-formed. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** One tool as its server announced it, before it has names. `mcp/` makes these, but not of quarantined tools. */
export interface ToolSource {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations: { readonly [hint: string]: unknown };
  /** Arguments a program passes in order, e.g. `["path"]` for `analyzeFile(path)`. Only for tools defined in code. */
  readonly positional?: readonly string[];
  /** True when the tool was defined in code as read-only or its server's annotations are trusted and say so. */
  readonly readOnly?: boolean;
  readonly idempotent?: boolean;
  /** Tools given in code run automatically unless this is set. Absent on tools of MCP servers. */
  readonly needsApproval?: boolean;
  /** Why the tool is listed but cannot be called, e.g. because it demands MCP tasks. */
  readonly unavailable?: string;
}

/** One server's tools. The server named `local` holds tools defined in code; they become globals themselves. */
export interface ServerSource {
  readonly server: string;
  readonly tools: readonly ToolSource[];
}
