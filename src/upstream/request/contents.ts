/** Contents of messages: empty ones, and ones that must be a single text. */
import { type ChatMessage, contentText, isFields } from "../model.ts";
import type { Traits } from "./quirk.ts";

export function shapeContents(messages: readonly ChatMessage[], traits: Traits): readonly ChatMessage[] {
  const shaped = messages.flatMap((message) => shapeContent(message, traits) ?? []);
  // A conversation without content is left as it is, so that the provider tells the caller.
  return shaped.some(({ role }) => role !== "system" && role !== "developer") ? shaped : messages;
}

/** Undefined for an empty message, where the provider refuses those. */
function shapeContent(message: ChatMessage, traits: Traits): ChatMessage | undefined {
  const content = partsOf(message["content"], traits);
  const isEmpty = content === "" || content === null || content === undefined;
  switch (message.role) {
    case "assistant":
      if (!isEmpty) return { ...message, content };
      return "tool_calls" in message ? withoutText(message, traits) : silentMessage(message);
    case "tool":
      return { ...message, content: resultText(content) };
    default:
      return isEmpty && !traits.emptyText ? undefined : { ...message, content };
  }
}

function withoutText(message: ChatMessage, { noText }: Traits): ChatMessage {
  const { content: _, ...rest } = message;
  switch (noText) {
    case "absent":
      return rest;
    case "empty":
      return { ...rest, content: "" };
    case "null":
      return { ...rest, content: null };
  }
}

/** Many providers refuse an empty assistant message. It is dropped, unless it has calls or other content. */
function silentMessage(message: ChatMessage): ChatMessage | undefined {
  const speaks = ["refusal", "audio", "function_call", "reasoning", "reasoning_content", "reasoning_details"];
  return speaks.some((field) => field in message)
    ? { ...message, content: message["content"] ?? "" }
    : undefined;
}

function partsOf(content: unknown, { plainText }: Traits): unknown {
  if (!Array.isArray(content)) return content;
  const parts = content.filter((part) => !(isText(part) && part["text"] === ""));
  if (parts.length === 0) return "";
  return plainText && parts.every(isText) ? contentText(parts, "\n\n") : parts;
}

function isText(part: unknown): part is { readonly [key: string]: unknown } {
  return isFields(part) && part["type"] === "text";
}

function resultText(content: unknown): unknown {
  if (typeof content === "string" || Array.isArray(content)) return content;
  return content === undefined || content === null ? "" : JSON.stringify(content);
}
