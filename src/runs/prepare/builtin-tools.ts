/** What every program has besides its tools, and asks its host for: `tools.search`, `tools.describe`, `runs.result`. */
import type { HostFunction } from "../../../sandbox/index.ts";
import { builtinTool } from "../../tools/builtin.ts";
import type { CatalogTool } from "../../tools/catalog.ts";
import type { JsonSchema } from "../../tools/tool-source.ts";

const text: JsonSchema = { type: "string" };

/** Their ids are `@tools/search`, `@tools/describe` and `@runs/result`. */
export const builtinTools: { readonly [name in "search" | "describe" | "result"]: CatalogTool } = {
  search: builtinTool(
    "tools",
    "search",
    "Finds tools by words.",
    object({ query: text, options: object({ limit: { type: "number" } }) }, "query"),
  ),
  describe: builtinTool(
    "tools",
    "describe",
    "Declares tools.",
    // A list given as one argument is taken as well as the names one by one.
    object({ names: { type: "array", items: { anyOf: [text, { type: "array", items: text }] } } }, "names"),
  ),
  result: builtinTool("runs", "result", "What a completed run returned.", object({ id: text }, "id")),
};

/** As a program finds them. */
export const builtinFunctions: readonly HostFunction[] = [
  toFunction(builtinTools.search, ["query", "options"]),
  toFunction(builtinTools.describe, "names"),
  toFunction(builtinTools.result, ["id"]),
];

/** The names among the arguments of a `tools.describe` that its schema has passed, each once. */
export function describedNames(args: { readonly [name: string]: unknown }): readonly string[] {
  return [...new Set((args["names"] as readonly (string | readonly string[])[]).flat())];
}

function object(
  properties: { readonly [name: string]: JsonSchema },
  ...required: readonly string[]
): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

function toFunction(
  { global, name, server }: CatalogTool,
  positional: HostFunction["positional"],
): HostFunction {
  return { on: global, name, server, tool: name, positional };
}
