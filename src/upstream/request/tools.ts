/** Tools in the form that a provider accepts. The gateway's own are adapted; a caller's stay as they are. */
import { type Fields, isFields, type ModelRequest } from "../model.ts";
import { adaptTool } from "../schemas/adapt-tool.ts";
import type { Traits } from "./quirk.ts";

/**
 * All tools, up to the provider's limit: first the caller's, then those named in the conversation, then the others in
 * order.
 */
export function shapeTools(request: ModelRequest, traits: Traits): readonly Fields[] {
  const tools = shapeOwnTools(request, traits).map((tool) => (traits.strict ? tool : withoutStrict(tool)));
  if (tools.length <= traits.maxTools) return tools;
  const own = request.ownTools ?? 0;
  const named = namesIn(request);
  const rank = (index: number): number => {
    if (index >= own) return 0;
    return named.has(nameOf(tools[index])) ? 1 : 2;
  };
  const offered = new Set(
    tools
      .map((_, index) => index)
      .sort((a, b) => rank(a) - rank(b) || a - b)
      .slice(0, Math.max(traits.maxTools, tools.length - own)),
  );
  return tools.filter((_, index) => offered.has(index));
}

export function shapeOwnTools({ tools, ownTools = 0 }: ModelRequest, { schemas }: Traits): readonly Fields[] {
  return tools.map((tool, index) => (index < ownTools ? adaptTool(tool, schemas).tool : tool));
}

function withoutStrict(tool: Fields): Fields {
  if (!isFields(tool["function"])) return tool;
  const { strict: _, ...declared } = tool["function"];
  return { ...tool, function: declared };
}

/** Functions that the conversation has called, or that the request demands. */
function namesIn({ messages, params }: ModelRequest): ReadonlySet<string | undefined> {
  const calls = messages.flatMap(({ tool_calls: called }) =>
    Array.isArray(called) ? called.filter(isFields) : [],
  );
  const choice = isFields(params["tool_choice"]) ? [params["tool_choice"]] : [];
  return new Set([...choice, ...calls].map(nameOf));
}

function nameOf(tool: Fields | undefined): string | undefined {
  const named = tool?.["function"] ?? tool?.["custom"];
  return isFields(named) && typeof named["name"] === "string" ? named["name"] : undefined;
}
