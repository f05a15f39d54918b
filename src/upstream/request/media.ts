/**
 * Images in the results of the gateway's own tools. The tool message holds marks in place of the data. The data is
 * attached under a symbol, so that it cannot reach a provider by accident, and is inserted here where the provider
 * accepts it.
 */
import { type ChatMessage, type Fields, type Image, images } from "../model.ts";
import type { Traits } from "./quirk.ts";

export function placeMedia(messages: readonly ChatMessage[], traits: Traits): readonly ChatMessage[] {
  switch (traits.images) {
    case "mark":
      return messages.map(withoutImages);
    case "tool-message":
      return messages.map((message) => {
        const parts = imageParts(message[images] ?? []);
        const rest = withoutImages(message);
        return parts.length === 0 ? rest : { ...rest, content: [...textParts(rest["content"]), ...parts] };
      });
    case "user-message":
      return inUserMessages(messages);
  }
}

/** The results of one turn must stay together, so their images follow the last one. */
function inUserMessages(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const placed: ChatMessage[] = [];
  let waiting: Fields[] = [];
  const show = (): void => {
    if (waiting.length > 0) placed.push({ role: "user", content: waiting });
    waiting = [];
  };
  for (const message of messages) {
    if (message.role !== "tool") show();
    placed.push(withoutImages(message));
    const parts = imageParts(message[images] ?? []);
    if (parts.length === 0) continue;
    const text = `${parts.length === 1 ? "The image" : `The ${parts.length} images`} of the result of call ${String(message["tool_call_id"])}:`;
    waiting = [...waiting, { type: "text", text }, ...parts];
  }
  show();
  return placed;
}

function withoutImages(message: ChatMessage): ChatMessage {
  if (message[images] === undefined) return message;
  const { [images]: _, ...rest } = message;
  return rest as ChatMessage;
}

function imageParts(list: readonly Image[]): Fields[] {
  return list.map(({ mimeType, base64 }) => ({
    type: "image_url",
    image_url: { url: `data:${mimeType};base64,${base64}` },
  }));
}

function textParts(content: unknown): readonly unknown[] {
  return Array.isArray(content) ? content : [{ type: "text", text: String(content ?? "") }];
}
