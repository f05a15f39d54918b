/**
 * Fields of messages: those that a provider's answers have but its requests must not, and those that must be sent back.
 */
import { type ChatMessage, contentText, type Fields, isFields } from "../model.ts";
import type { Traits } from "./quirk.ts";

const THOUGHTS = ["reasoning", "reasoning_content", "reasoning_details"];
/** An answer's fields that no provider accepts in a request. */
const OF_ANSWERS = ["annotations"];
const NAME = /^[^\s<|\\/>]{1,64}$/;

export function shapeFields(
  messages: readonly ChatMessage[],
  tools: readonly Fields[],
  traits: Traits,
): readonly ChatMessage[] {
  return messages.map((message) => {
    const kept = Reflect.ownKeys(message).filter(
      (key) => typeof key === "symbol" || isSent(key, message[key], message, traits),
    );
    const fields = Object.fromEntries(kept.map((key) => [key, Reflect.get(message, key)])) as ChatMessage;
    return {
      ...fields,
      ...nameOf(fields),
      ...audioOf(fields),
      ...refusalOf(message, fields),
      ...thoughtsOf(message, tools, traits),
    };
  });
}

function isSent(key: string, value: unknown, { role }: ChatMessage, traits: Traits): boolean {
  const { messageFields, names, thoughts } = traits;
  if (key === "content") return true;
  if (value === null || value === undefined || OF_ANSWERS.includes(key)) return false;
  if (key === "name" && role === "tool") return messageFields === "all" || messageFields.includes(key);
  if (key === "name" && !names) return false;
  if (THOUGHTS.includes(key) && thoughts !== "keep") return false;
  return messageFields === "all" || messageFields.includes(key);
}

function nameOf({ role, name }: ChatMessage): Fields {
  if (role === "tool" || name === undefined || NAME.test(String(name))) return {};
  return {
    name:
      String(name)
        .replace(/[\s<|\\/>]+/g, "_")
        .slice(0, 64) || "unnamed",
  };
}

/** Only the id of an audio answer goes back: https://platform.openai.com/docs/guides/audio */
function audioOf({ audio }: ChatMessage): Fields {
  return isFields(audio) && typeof audio["id"] === "string" ? { audio: { id: audio["id"] } } : {};
}

/** Where refusals have no field of their own, they become the content. */
function refusalOf(message: ChatMessage, fields: ChatMessage): Fields {
  const { refusal } = message;
  if (typeof refusal !== "string" || "refusal" in fields || contentText(message["content"]) !== "") return {};
  return { content: refusal };
}

function thoughtsOf(message: ChatMessage, tools: readonly Fields[], { thoughts }: Traits): Fields {
  if (thoughts !== "with-tools" || tools.length === 0 || message.role !== "assistant") return {};
  const said = message["reasoning_content"] ?? message["reasoning"];
  if (typeof said === "string") return { reasoning_content: said };
  // Required with every call; empty text is accepted when the thoughts are no longer known.
  return "tool_calls" in message ? { reasoning_content: "" } : {};
}
