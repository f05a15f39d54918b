/** Roles and order of messages: roles that a provider does not know, and orders that it refuses. */
import type { ChatMessage } from "../model.ts";
import type { Traits } from "./quirk.ts";

export function shapeRoles(messages: readonly ChatMessage[], traits: Traits): readonly ChatMessage[] {
  const known = traits.developer ? messages : messages.map(asSystem);
  const ordered = traits.systemFirst ? instructionsFirst(known) : known;
  const alternating = traits.alternates ? inTurns(ordered) : ordered;
  return traits.userAfterTool ? alternating : answeredTools(alternating);
}

function asSystem(message: ChatMessage): ChatMessage {
  return message.role === "developer" ? { ...message, role: "system" } : message;
}

/** Joins all instructions into one message before everything else. */
function instructionsFirst(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const isInstruction = ({ role }: ChatMessage): boolean => role === "system" || role === "developer";
  const [first, ...others] = messages.filter(isInstruction);
  if (first === undefined) return messages;
  const rest = messages.filter((message) => !isInstruction(message));
  return [others.reduce(joined, first), ...rest];
}

/** Joins consecutive messages of one side into one message. */
function inTurns(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const turns: ChatMessage[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (last !== undefined && canJoin(last, message)) turns[turns.length - 1] = joined(last, message);
    else turns.push(message);
  }
  return turns;
}

function canJoin(last: ChatMessage, next: ChatMessage): boolean {
  if (last.role !== next.role || last["name"] !== next["name"]) return false;
  return (
    next.role === "user" || (next.role === "assistant" && !("tool_calls" in last) && !("tool_calls" in next))
  );
}

function joined(one: ChatMessage, other: ChatMessage): ChatMessage {
  const [first, second] = [one["content"] ?? "", other["content"] ?? ""];
  const content =
    typeof first === "string" && typeof second === "string"
      ? [first, second].filter((text) => text !== "").join("\n\n")
      : [...asParts(first), ...asParts(second)];
  return { ...other, ...one, content };
}

function asParts(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  return content === "" ? [] : [{ type: "text", text: String(content) }];
}

/** Where only an assistant may follow a tool, an assistant message is inserted before the user's. */
function answeredTools(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.flatMap((message, index) =>
    message.role === "user" && messages[index - 1]?.role === "tool"
      ? [{ role: "assistant", content: "OK." }, message]
      : [message],
  );
}
