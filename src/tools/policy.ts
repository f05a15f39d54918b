/**
 * May this call run? The one place that answers. Tool calls are suggestions: a tool is callable when every layer
 * allows it, and runs without a person only when every layer auto-executes it.
 */
import type { Catalog, CatalogTool } from "./catalog.ts";

/** One layer's say. Absent = no further filter; `[]` = nothing. Patterns as in the configuration. */
export interface PolicyLayer {
  /** Named in refusals: `tools.allow`, `key "support-bot"`, `x-mcp-include-tools`, `tools_filter`. */
  readonly rule: string;
  readonly allow?: readonly string[];
  readonly autoExecute?: readonly string[];
  /** Servers by exact name; several filters of one layer intersect. */
  readonly servers?: readonly string[];
}

/** Plain data: a run stores it as its policy snapshot, and a later request can only add layers. */
export interface Policy {
  readonly layers: readonly PolicyLayer[];
}

export type Decision =
  | { readonly verdict: "auto" }
  | { readonly verdict: "ask"; readonly reason: string }
  | { readonly verdict: "deny"; readonly rule: string; readonly reason: string };

/** Everything `policy.ts` exports besides the types above; kept as an interface so that callers can be written against it. */
export interface PolicyFunctions {
  visible(catalog: Catalog, policy: Policy): readonly CatalogTool[];
  decide(tool: CatalogTool, policy: Policy): Decision;
}
