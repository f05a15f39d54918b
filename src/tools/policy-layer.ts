/** What a layer of policy may say, and what a run keeps of it. `policy.ts` decides by these; anybody may hold them. */

/** One layer's say. Absent = no further filter; `[]` = nothing. Patterns as in the configuration. */
export interface PolicyLayer {
  /** Named in refusals: `tools.allow`, `key "support-bot"`, `x-mcp-include-tools`, `tools_filter`. */
  readonly rule: string;
  readonly allow?: readonly string[];
  readonly autoExecute?: readonly string[];
  /** Servers by exact name; several filters of one layer intersect. */
  readonly servers?: readonly string[];
  /** The deployment's own layer. Its `autoExecute` speaks of servers: tools given in code run without it. */
  readonly deployment?: true;
}

/** Plain data: a run stores it as its policy snapshot, and a later request can only add layers. */
export interface Policy {
  readonly layers: readonly PolicyLayer[];
}
