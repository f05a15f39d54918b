/**
 * The catalog: an immutable, versioned snapshot of every tool of every server, with the names under which a program,
 * a model and an operator know it. A run keeps the catalog it started with.
 */

/** JSON Schema as servers send it: an object, or the boolean schemas. Never trusted to be well-formed. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** One tool as its server announced it, before it has names. `mcp/` makes these; quarantined tools are not among them. */
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
  /** Why the tool is listed but can't be called, e.g. it demands MCP tasks. */
  readonly unavailable?: string;
}

/** One server's tools. The server named `local` holds tools defined in code; they become globals themselves. */
export interface ServerSource {
  readonly server: string;
  readonly tools: readonly ToolSource[];
}

export interface CatalogTool extends Omit<ToolSource, "readOnly" | "idempotent"> {
  /** `server/tool`, the original names; the key of everything. */
  readonly id: string;
  readonly server: string;
  /** The global that holds it in a program: `github`; for tools of `local` the tool's own global. */
  readonly global: string;
  /** Its name on that global; null when the tool is the global itself. */
  readonly method: string | null;
  /** How a program writes it: `github.list_issues`, or `calculator` for a tool of `local`. */
  readonly callable: string;
  /** How a model that gets plain tool lists names it: `github__list_issues`, at most 64 characters. */
  readonly functionName: string;
  readonly readOnly: boolean;
  readonly idempotent: boolean;
}

/** One server as programs see it. */
export interface CatalogServer {
  readonly name: string;
  /** The global's name, or null for `local`. */
  readonly global: string | null;
}

/** A name that two things wanted, and who got which. */
export interface NameCollision {
  readonly wanted: string;
  readonly kept: string;
  readonly renamed: { readonly id: string; readonly to: string };
}

export interface Catalog {
  /** First 16 hex digits of the sha256 of the catalog's canonical JSON: equal tools give an equal version. */
  readonly version: string;
  /** Sorted by id in byte order. */
  readonly tools: readonly CatalogTool[];
  readonly servers: readonly CatalogServer[];
  readonly collisions: readonly NameCollision[];
  /** Exact strings only. */
  byId(id: string): CatalogTool | undefined;
  byFunctionName(name: string): CatalogTool | undefined;
}
