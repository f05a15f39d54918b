/** Texts that go to the client only when a turn is complete. */
import type { Conversation } from "./calls/conversation.ts";
import { type ChatEvent, say } from "./events.ts";
import type { Turn } from "./turns/turn.ts";

/** Sends a turn's text that was held because the content must be JSON: the last turn's as content, others as steps. */
export function* releaseText(
  { isJson, turn }: Pick<Conversation, "isJson" | "turn">,
  { text }: Pick<Turn, "text">,
  isLast: boolean,
): Generator<ChatEvent> {
  if (!isJson || text === "") return;
  if (isLast) yield { type: "text-delta", text };
  else yield { type: "step", turn, step: { type: "text", text } };
}

const MAX_NAMES = 5;

/** No call of a turn that was cut off is made, because its arguments may be incomplete. Names those calls. */
export function* sayCutOff(chat: Conversation, { calls, cut, reason }: Turn): Generator<ChatEvent> {
  const names = calls.slice(0, MAX_NAMES).map(({ name }) => name.slice(0, 64));
  const more = calls.length > MAX_NAMES ? ` and ${calls.length - MAX_NAMES} more` : "";
  const how = cut === reason ? `with the finish reason ${JSON.stringify(cut)}` : "without a finish reason";
  const what = calls.length === 1 ? "call was" : "calls were";
  yield* say(
    chat,
    `[The model's answer was cut off ${how}, so its ${what} not made: ${names.join(", ")}${more}.]`,
  );
}
