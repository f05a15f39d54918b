/**
 * Settles the calls of one turn together. An answer here is the reply to a call: a message for the model, or calls that
 * the client must decide.
 */
import type { ToolFailure, TurnCall } from "../journal.ts";
import { describeFailure } from "../offer/tool-message.ts";
import type { ToolCall } from "../upstream/model.ts";
import type { AnswerSource } from "./answer-source.ts";
import type { Answer } from "./calls/call-answering.ts";
import type { Conversation } from "./calls/conversation.ts";
import { followChat, type Progress, ProgressFeed, type TellProgress } from "./calls/progress.ts";
import { settleTogether } from "./calls/settle-together.ts";
import type { ChatEvent } from "./events.ts";
import type { KeptTurn } from "./turns/kept-turn.ts";

/** Answers the calls of a turn. Yields progress meanwhile, if the request asks for it. */
export async function* answerAloud(
  chat: Conversation,
  source: AnswerSource,
  turn: KeptTurn,
  number: number,
): AsyncGenerator<ChatEvent, ReadonlyMap<ToolCall, Answer>> {
  const { writer } = source;
  if (writer === null || !chat.request.wantsProgress) return await answerCalls(chat, source, turn, null);
  const feed = new ProgressFeed();
  const answering = async (): Promise<ReadonlyMap<ToolCall, Answer>> => {
    const { run } = writer;
    const isGoneOnWith = turn.seq < source.start;
    const told = isGoneOnWith ? run.journal.state.lastPause?.seq : undefined;
    using _ = followChat(run, told ?? run.journal.events.length, feed.tell);
    return await answerCalls(chat, source, turn, feed.tell);
  };
  const telling = feed.during(answering());
  for (;;) {
    const next = await telling.next();
    if (next.done) return next.value;
    yield { type: "progress", turn: number, progress: next.value };
  }
}

/** Settles the calls that are not the client's, and records their answers in the order of the model's calls. */
async function answerCalls(
  chat: Conversation,
  { start, settle, writer }: AnswerSource,
  turn: KeptTurn,
  tell: TellProgress | null,
): Promise<ReadonlyMap<ToolCall, Answer>> {
  const ours = turn.calls.flatMap((call, index) => {
    const place = turn.places[index];
    const answered = turn.answers.get(call.id);
    const isOld = turn.seq < start && answered !== undefined && answered.seq < start;
    return place === undefined || place.caller || isOld ? [] : [{ call, place, answered }];
  });
  const outcomes = await settleTogether(chat.context.config.limits.toolCallsInFlight, ours, async (each) => {
    const { call, place } = each;
    const isNew = writer !== null && turn.seq > start && place.call !== undefined;
    if (isNew && !writer.budget.takeCall()) return overBudget(each, chat);
    const answer = await settle(call, place, tell);
    if (answer.type === "message") tell?.(resultProgress(place, answer.content));
    return answer;
  });
  writer?.run.signal.throwIfAborted();
  const answers = new Map<ToolCall, Answer>();
  for (const [index, { call, answered }] of ours.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status !== "fulfilled") continue;
    const answer = outcome.value;
    answers.set(call, answer);
    chat.hasEffects ||= answer.step !== null;
    if (answer.type === "message" && answered === undefined)
      writer?.run.note({ type: "answered", id: call.id, content: answer.content });
  }
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  if (refused !== undefined) throw refused.reason;
  return answers;
}

/** The answer to a call that was not made, because the request has used up `maxToolCalls`. */
function overBudget(
  { call, place }: { readonly call: ToolCall; readonly place: TurnCall },
  { request: { limits } }: Conversation,
): Answer {
  const message = `Not made: this request may make at most ${limits.maxToolCalls} tool calls.`;
  const error: ToolFailure = { kind: "denied", message };
  return {
    type: "message",
    content: describeFailure(error),
    step: { type: "call", call: place.call ?? call.id, tool: call.name, status: "error", error },
  };
}

function resultProgress({ run, call }: TurnCall, content: string): Progress {
  return {
    type: "result",
    ...(run === undefined ? {} : { run_id: run }),
    ...(call === undefined ? {} : { call }),
    content,
  };
}

/** The calls that the client must answer: those of its own tools, and those that need approval. */
export function callsForClient(turn: KeptTurn, answers: ReadonlyMap<ToolCall, Answer>): readonly ToolCall[] {
  return turn.calls.flatMap((call, index) => {
    const { caller = false, call: id = call.id } = turn.places[index] ?? {};
    if (caller) return turn.answers.has(call.id) ? [] : [{ ...call, id }];
    const answer = answers.get(call);
    return answer?.type === "pending" ? answer.calls : [];
  });
}
