/** The messages of a request in the form that its provider accepts: one step for each difference between providers. */
import type { ChatMessage, Fields } from "../model.ts";
import { pairCalls } from "./calls.ts";
import { shapeContents } from "./contents.ts";
import { placeMedia } from "./media.ts";
import { shapeFields } from "./message-fields.ts";
import type { Traits } from "./quirk.ts";
import { shapeRoles } from "./roles.ts";

export function shapeMessages(
  messages: readonly ChatMessage[],
  tools: readonly Fields[],
  traits: Traits,
): readonly ChatMessage[] {
  const paired = pairCalls(messages, tools, traits);
  const told = shapeFields(paired, tools, traits);
  return shapeRoles(shapeContents(placeMedia(told, traits), traits), traits);
}
