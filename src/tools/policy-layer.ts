/**
 * The form of a policy layer, and of the policy that a run keeps. `policy.ts` decides by these; any other file may hold
 * them.
 */

/** One layer. An absent field does not filter; `[]` allows nothing. Patterns as in the configuration. */
export interface PolicyLayer {
  /** Its name in refusals: `tools.allow`, `key "support-bot"`, `x-mcp-include-tools`, `tools_filter`. */
  readonly rule: string;
  readonly allow?: readonly string[];
  readonly autoExecute?: readonly string[];
  /** Servers by exact name; several filters of one layer intersect. */
  readonly servers?: readonly string[];
  /** Marks the deployment's own layer. Its `autoExecute` applies to servers: tools given in code run without it. */
  readonly deployment?: true;
}

/** Plain data: a run stores it as its policy snapshot, and a later request can only add layers. */
export interface Policy {
  readonly layers: readonly PolicyLayer[];
}
