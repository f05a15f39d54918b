/**
 * Calls that no server answers but the gateway itself. They pass the same gate as any other and are in the journal, so
 * that a replay is told the same; they change nothing, and run without a person. Their ids begin with `@`, which no
 * server's name does: `@tools/search`.
 */
import type { CallOutcome } from "../mcp/server.ts";
import type { Catalog, CatalogTool } from "./catalog.ts";
import type { Policy } from "./policy-layer.ts";
import type { JsonSchema } from "./tool-source.ts";

export interface Builtin {
  readonly tool: CatalogTool;
  /** `args` have passed the schema. What it may tell is what this policy allows. */
  answer(args: { readonly [name: string]: unknown }, view: BuiltinView): Promise<CallOutcome>;
}

/** As the run that asks has them. */
export interface BuiltinView {
  readonly catalog: Catalog;
  readonly policy: Policy;
}

/** By id. */
export type Builtins = ReadonlyMap<string, Builtin>;

/** `on` is the object in a program that holds it: `tools` for `@tools/search`. */
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
