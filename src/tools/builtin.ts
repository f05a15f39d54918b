/**
 * Built-in tools: calls that the gateway itself answers. They pass the gate of all calls and are in the journal,
 * so that a replay gets the same answers. They change nothing, and run without approval. Their ids begin with
 * `@`, which no server's name does: `@tools/search`.
 */
import type { CallOutcome } from "../mcp/server.ts";
import type { Catalog, CatalogTool } from "./catalog.ts";
import type { Policy } from "./policy-layer.ts";
import type { JsonSchema } from "./tool-source.ts";

export interface Builtin {
  readonly tool: CatalogTool;
  /** Answers a call. `args` have passed the schema. The answer may mention only tools that the view's policy allows. */
  answer(args: { readonly [name: string]: unknown }, view: BuiltinView): Promise<CallOutcome>;
}

/** The view of the run that makes the call. */
export interface BuiltinView {
  readonly catalog: Catalog;
  readonly policy: Policy;
}

/** By id. */
export type Builtins = ReadonlyMap<string, Builtin>;

/** `on` is the program's object that has it: `tools` for `@tools/search`. */
export function builtinTool(
  on: string,
  name: string,
  description: string,
  inputSchema: JsonSchema,
): CatalogTool {
  const server = `@${on}`;
  return {
    id: `${server}/${name}`,
    server,
    name,
    description,
    inputSchema,
    annotations: {},
    global: on,
    method: name,
    callable: `${on}.${name}`,
    functionName: `${on}_${name}`,
    readOnly: true,
    idempotent: true,
  };
}
