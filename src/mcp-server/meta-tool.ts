/** A tool of the gateway's own, as MCP lists it. */
import type { Tool } from "@modelcontextprotocol/server";
import { DESCRIBE_TOOLS, type MetaTool, SEARCH_TOOLS } from "../offer/meta-tools.ts";
import type { JsonSchema } from "../tools/tool-source.ts";

export function toTool(
  { name, title, description: usual, parameters }: MetaTool,
  description: string = usual,
  outputSchema?: Tool["outputSchema"],
): Tool {
  return {
    name,
    title,
    description,
    inputSchema: objectSchema(parameters),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations: { readOnlyHint: name === SEARCH_TOOLS || name === DESCRIBE_TOOLS },
  };
}

/** MCP wants a tool's arguments to be an object, and says so in a word. */
export function objectSchema(schema: JsonSchema): Tool["inputSchema"] {
  return { ...(typeof schema === "object" ? schema : {}), type: "object" } as Tool["inputSchema"];
}
