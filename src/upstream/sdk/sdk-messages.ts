/** A conversation in OpenAI's shape as the AI SDK's prompt. */

import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
} from "@ai-sdk/provider";
import { ToolariumError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import { type ChatMessage, contentText, type Fields, isFields } from "../model.ts";
import { cacheOptions, reasoningParts, toolCallOptions } from "./sdk-metadata.ts";
import type { SdkType } from "./sdk-package.ts";

type MessageOf<R extends LanguageModelV4Message["role"]> = Extract<
  LanguageModelV4Message,
  { readonly role: R }
>;

/**
 * Instructions move to the front, where these providers want them. Consecutive tool messages become one.
 *
 * @throws `invalid_request` for a role or a part that has no counterpart
 */
export function toSdkMessages(messages: readonly ChatMessage[], type: SdkType): LanguageModelV4Prompt {
  const instructions: LanguageModelV4Prompt = [];
  const rest: LanguageModelV4Prompt = [];
  const toolNames = new Map<string, string>();
  for (const message of messages) {
    switch (message.role) {
      case "system":
      case "developer":
        instructions.push(...systemMessages(message["content"], type));
        break;
      case "user":
        rest.push({ role: "user", content: userParts(message["content"], type) });
        break;
      case "assistant": {
        const said = assistantMessage(message, type, toolNames);
        // Some providers refuse an empty message, and none needs it.
        if (said.content.length > 0) rest.push(said);
        break;
      }
      case "tool": {
        const result = toolResult(message, type, toolNames);
        const last = rest.at(-1);
        if (last?.role === "tool") last.content.push(result);
        else rest.push({ role: "tool", content: [result] });
        break;
      }
      default:
        throw badMessage(`a message of the role ${JSON.stringify(message.role)}`);
    }
  }
  return [...instructions, ...rest];
}

function assistantMessage(
  message: ChatMessage,
  type: SdkType,
  toolNames: Map<string, string>,
): MessageOf<"assistant"> {
  const content: MessageOf<"assistant">["content"] = [...reasoningParts(message, type)];
  const text = contentText(message["content"] ?? message["refusal"]);
  if (text !== "") content.push({ type: "text", text });
  const calls = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  for (const call of calls) {
    const called = isFields(call) ? call["function"] : undefined;
    if (!isFields(call) || !isFields(called)) throw badMessage("a call that is not one of a function");
    const [toolCallId, toolName] = [String(call["id"]), String(called["name"])];
    toolNames.set(toolCallId, toolName);
    content.push({
      type: "tool-call",
      toolCallId,
      toolName,
      input: readArguments(called["arguments"]),
      ...toolCallOptions(call, type),
    });
  }
  return { role: "assistant", content };
}

function toolResult(
  message: ChatMessage,
  type: SdkType,
  toolNames: ReadonlyMap<string, string>,
): Extract<MessageOf<"tool">["content"][number], { readonly type: "tool-result" }> {
  const toolCallId = String(message["tool_call_id"]);
  const content = message["content"];
  return {
    type: "tool-result",
    toolCallId,
    toolName: toolNames.get(toolCallId) ?? "unknown",
    output:
      Array.isArray(content) && content.some((part) => isFields(part) && part["type"] !== "text")
        ? { type: "content", value: userParts(content, type) }
        : { type: "text", value: contentText(content) },
  };
}

/**
 * A model's text may be invalid JSON, but providers accept only objects, and the model should see its own text again.
 */
function readArguments(text: unknown): unknown {
  if (typeof text !== "string" || text.trim() === "") return {};
  try {
    const value: unknown = parseJson(text);
    return isFields(value) ? value : { arguments: value };
  } catch {
    return { arguments: text };
  }
}

/** One message for all parts, unless some of them are marked. */
function systemMessages(content: unknown, type: SdkType): readonly MessageOf<"system">[] {
  const parts = Array.isArray(content) ? content.filter((part) => isFields(part)) : [];
  const marked = parts.map((part) => ({ part, options: cacheOptions(part, type) }));
  if (marked.every(({ options }) => options.providerOptions === undefined))
    return [{ role: "system", content: contentText(content) }];
  return marked.map(({ part, options }) => ({ role: "system", content: contentText([part]), ...options }));
}

function userParts(content: unknown, type: SdkType): (LanguageModelV4TextPart | LanguageModelV4FilePart)[] {
  if (!Array.isArray(content)) return [{ type: "text", text: contentText(content) }];
  return content.map((part) => {
    const fields = isFields(part) ? part : {};
    return { ...userPart(fields), ...cacheOptions(fields, type) };
  });
}

function userPart(part: Fields): LanguageModelV4TextPart | LanguageModelV4FilePart {
  switch (part["type"]) {
    case "text":
      return { type: "text", text: String(part["text"] ?? "") };
    case "image_url": {
      const image = part["image_url"];
      return filePart(String(isFields(image) ? image["url"] : image), "image/*");
    }
    case "input_audio": {
      const { data, format } = isFields(part["input_audio"]) ? part["input_audio"] : {};
      const mediaType = format === "mp3" ? "audio/mpeg" : `audio/${String(format)}`;
      return { type: "file", data: { type: "data", data: String(data) }, mediaType };
    }
    case "file": {
      const { file_data: data, filename } = isFields(part["file"]) ? part["file"] : {};
      if (typeof data !== "string") throw badMessage("a file that is not in the message itself");
      return {
        ...filePart(data, "application/pdf"),
        ...(typeof filename === "string" ? { filename } : {}),
      };
    }
    default:
      throw badMessage(`a part of the type ${JSON.stringify(part["type"])}`);
  }
}

/** `mediaType` is for an address that does not contain its own. */
function filePart(address: string, mediaType: string): LanguageModelV4FilePart {
  const inline = /^data:(?<type>[^;,]+)[^,]*;base64,(?<data>.*)$/s.exec(address)?.groups;
  if (inline !== undefined)
    return {
      type: "file",
      data: { type: "data", data: inline["data"] ?? "" },
      mediaType: inline["type"] ?? mediaType,
    };
  const url = URL.parse(address);
  if (url === null) throw badMessage("a file whose address is neither a URL nor base64 data");
  return { type: "file", data: { type: "url", url }, mediaType };
}

function badMessage(what: string): ToolariumError {
  return new ToolariumError("invalid_request", `This provider cannot be given ${what}.`, {
    param: "messages",
  });
}
