/** A request in OpenAI's shape for the AI SDK's models. What those cannot express is refused, not dropped. */
import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool } from "@ai-sdk/provider";
import { ToolariumError } from "../../errors.ts";
import { type Fields, isFields, type ModelRequest } from "../model.ts";
import { toSdkMessages } from "./sdk-messages.ts";
import type { SdkType } from "./sdk-package.ts";

/**
 * Parameters without a counterpart (`logit_bias`, `user`, `store` …) are dropped, as the packages themselves do.
 *
 * @throws `invalid_request` for content, tools or choices that such a provider cannot be sent
 */
export function toCallOptions(
  { messages, tools, params }: ModelRequest,
  type: SdkType,
): LanguageModelV4CallOptions {
  if (numberOf(params["n"], 1) > 1) throw unsupported("n", "more than one answer");
  const offered = tools.map(toTool);
  const toolChoice = toToolChoice(params["tool_choice"]);
  const responseFormat = toResponseFormat(params["response_format"]);
  const reasoning = toReasoning(params["reasoning_effort"]);
  const stop = params["stop"];
  return {
    prompt: toSdkMessages(messages, type),
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(toolChoice === undefined || offered.length === 0 ? {} : { toolChoice }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...numbers({
      maxOutputTokens: params["max_completion_tokens"] ?? params["max_tokens"],
      temperature: params["temperature"],
      topP: params["top_p"],
      topK: params["top_k"],
      presencePenalty: params["presence_penalty"],
      frequencyPenalty: params["frequency_penalty"],
      seed: params["seed"],
    }),
    ...(stop === undefined || stop === null ? {} : { stopSequences: [stop].flat().map(String) }),
    ...(params["parallel_tool_calls"] === false && type === "anthropic" && offered.length > 0
      ? { providerOptions: { anthropic: { disableParallelToolUse: true } } }
      : {}),
  };
}

function unsupported(param: string, what: string): ToolariumError {
  const message = `This provider's protocol has nothing for ${what}. Leave it out, or ask a model of an OpenAI-compatible provider.`;
  return new ToolariumError("invalid_request", message, { param });
}

function toTool(tool: Fields): LanguageModelV4FunctionTool {
  const declared = tool["function"];
  if ((tool["type"] ?? "function") !== "function" || !isFields(declared))
    throw unsupported("tools", `a tool of the type ${JSON.stringify(tool["type"])}`);
  const { name, description, parameters, strict } = declared;
  return {
    type: "function",
    name: String(name),
    inputSchema: isFields(parameters) ? parameters : { type: "object", properties: {} },
    ...(typeof description === "string" ? { description } : {}),
    ...(typeof strict === "boolean" ? { strict } : {}),
  };
}

function toToolChoice(choice: unknown): LanguageModelV4CallOptions["toolChoice"] {
  if (choice === undefined || choice === null) return undefined;
  if (choice === "auto" || choice === "none" || choice === "required") return { type: choice };
  const named = isFields(choice) ? choice["function"] : undefined;
  if (isFields(named) && typeof named["name"] === "string") return { type: "tool", toolName: named["name"] };
  throw unsupported("tool_choice", "this choice of a tool");
}

function toResponseFormat(format: unknown): LanguageModelV4CallOptions["responseFormat"] {
  if (!isFields(format) || format["type"] === "text") return undefined;
  if (format["type"] === "json_object") return { type: "json" };
  const described = format["json_schema"];
  if (format["type"] !== "json_schema" || !isFields(described))
    throw unsupported("response_format", "an answer of this format");
  const { schema, name, description } = described;
  return {
    type: "json",
    ...(isFields(schema) ? { schema } : {}),
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof description === "string" ? { description } : {}),
  };
}

function toReasoning(effort: unknown): LanguageModelV4CallOptions["reasoning"] {
  switch (effort) {
    case "none":
    case "minimal":
    case "low":
    case "medium":
    case "high":
    case "xhigh":
      return effort;
    default:
      return undefined;
  }
}

function numbers<N extends string>(values: { readonly [name in N]: unknown }): { [name in N]?: number } {
  const entries = Object.entries(values).filter(([, value]) => typeof value === "number");
  return Object.fromEntries(entries) as { [name in N]?: number };
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
