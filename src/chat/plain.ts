/** Plain mode: one turn of the model, whose calls all go back to the client. Nothing is executed or recorded. */

import type { Conversation } from "./calls/conversation.ts";
import { explainNotOffered, isOffered } from "./calls/offered-calls.ts";
import { type ConversationDeps, modelRequest, openConversation } from "./conversation.ts";
import { type ChatEvent, finish, say } from "./events.ts";
import { nameOfTool } from "./offer/caller-tools.ts";
import type { ChatRequest } from "./turns/request.ts";
import { type Turn, takeTurn } from "./turns/turn.ts";
import { addUsage } from "./turns/usage.ts";

export async function* answerPlainly(
  deps: ConversationDeps,
  request: ChatRequest,
): AsyncGenerator<ChatEvent> {
  const chat = openConversation(deps, request);
  chat.hasAsked = true;
  yield { type: "started", mode: request.mode, runId: null, added: countAdded(chat) };
  const turn = yield* takeTurn(chat.model, modelRequest(chat, { before: request.messages }, 1), {
    said: chat,
    passes: (name) => isOffered(name, chat),
    signal: request.signal,
  });
  if (turn === null) return;
  chat.usage = addUsage(chat.usage, turn.usage);
  yield* endWithCalls(chat, turn);
}

/** How many tools the gateway added. A tool for which the client brought a stub of the same name does not count. */
function countAdded({ context, request }: Conversation): number {
  if (context.tools.length === 0 || request.tools.length === 0) return context.tools.length;
  const brought = new Set(request.tools.map(nameOfTool));
  return context.tools.filter(({ functionName }) => !brought.has(functionName)).length;
}

/** Ends the answer. Calls of offered functions were sent as they came; others are refused in words. */
function* endWithCalls(chat: Conversation, turn: Turn): Generator<ChatEvent> {
  const refused = turn.calls.filter(({ name }) => !isOffered(name, chat));
  for (const { name } of refused) yield* say(chat, `[Call refused: ${explainNotOffered(name, chat)}]`);
  const allRefused = turn.calls.length > 0 && refused.length === turn.calls.length;
  // A reason such as `length` stays: the client must see that the provider cut the answer.
  const reason = allRefused && turn.reason === "tool_calls" ? "stop" : turn.reason;
  yield finish(chat, turn, reason, null);
}
