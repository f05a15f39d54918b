/** Parameters of a request, without those that the provider refuses. */
import { type ChatMessage, type Fields, isFields } from "../model.ts";
import type { Traits } from "./quirk.ts";

/** Parameters of OpenAI's API for which null means absent; some providers refuse null. */
const NULLABLE: ReadonlySet<string> = new Set([
  ...["audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_tokens"],
  ...["max_completion_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction"],
  ...["presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format", "safety_identifier"],
  ...[
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream_options",
    "temperature",
    "tool_choice",
    "top_logprobs",
  ],
  ...["top_p", "user", "verbosity", "web_search_options"],
]);

/** Parameters about the use of tools: refused in a request without tools. */
const ABOUT_TOOLS: ReadonlySet<string> = new Set(["tool_choice", "parallel_tool_calls"]);

export interface ShapedParams {
  readonly params: Fields;
  /** A removed parameter's demand, in words. */
  readonly instructions: ChatMessage | null;
}

export function shapeParams(params: Fields, tools: readonly Fields[], traits: Traits): ShapedParams {
  const { omit, rename, formatWithTools } = traits;
  const isLeftOut = (name: string, value: unknown): boolean =>
    value === undefined ||
    (value === null && NULLABLE.has(name)) ||
    (tools.length === 0 && ABOUT_TOOLS.has(name)) ||
    omit.includes(name);
  const kept: { [name: string]: unknown } = {};
  for (const [name, value] of Object.entries(params)) {
    const theirs = rename[name];
    if (isLeftOut(name, value)) continue;
    if (theirs === undefined) kept[name] = value;
    // When a request has both names, it means the one that the provider knows.
    else if (params[theirs] === undefined || params[theirs] === null) kept[theirs] = value;
  }
  const { response_format: format, ...others } = kept;
  const asText = formatWithTools === "json-text" && tools.length > 0 ? formatInWords(format) : null;
  return asText === null
    ? { params: kept, instructions: null }
    : { params: others, instructions: { role: "system", content: asText } };
}

function formatInWords(format: unknown): string | null {
  if (!isFields(format)) return null;
  const described = isFields(format["json_schema"]) ? format["json_schema"] : {};
  switch (format["type"]) {
    case "json_object":
      return "When you call no tool, answer with one JSON object and nothing else: no prose, no code fence.";
    case "json_schema":
      return `When you call no tool, answer with JSON that fits this schema and nothing else, no prose, no code fence: ${JSON.stringify(described["schema"] ?? {})}`;
    default:
      return null;
  }
}
