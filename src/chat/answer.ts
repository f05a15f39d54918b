/**
 * The loop of a chat: ask the model, bring its calls to rest, record their answers, ask again. What it does next is
 * read from the journal of the run each time, so that an answer which was broken off, by a person's decision or by
 * the end of a process, is gone on with by the same lines that began it, and told again by them, too.
 */
import type { JournalEvent, TurnCall } from "../journal.ts";
import type { CallRun } from "../runs/call-run.ts";
import type { ToolCall } from "../upstream/model.ts";
import type { Answer, CallAnswering } from "./answering.ts";
import { type Conversation, modelRequest } from "./conversation.ts";
import { type ChatEvent, finish, say } from "./events.ts";
import { hiddenMessages, type KeptTurn, toTurnEvent, turnsOf, withoutOwnTurns } from "./kept-turns.ts";
import { followChat, type Progress, ProgressFeed, type TellProgress } from "./progress.ts";
import { emitCalls, repeatTurn, takeTurn } from "./turn.ts";
import { addUsage } from "./usage.ts";

/** What an answer is made from. */
export interface AnswerSource {
  /** The journal of the chat, as far as this answer goes. */
  readonly events: readonly JournalEvent[];
  /** Seq of the event with which the answer begins. */
  readonly start: number;
  /** Brings a call to rest, or tells what became of it. */
  settle(call: ToolCall, place: TurnCall, tell?: TellProgress): Promise<Answer>;
  /** Where it goes on; null for an answer that is only told again. */
  readonly writer: AnswerWriter | null;
}

export interface AnswerWriter {
  readonly run: Pick<CallRun, "id" | "createdAt" | "journal" | "signal" | "note" | "nextCallId">;
  readonly answering: CallAnswering;
}

export interface Ending {
  /** What the run is after it. */
  readonly status: "completed" | "waiting";
  readonly last: ChatEvent;
}

/** Each turn of the loop is one answer of the model. */
export async function* tellAnswer(
  chat: Conversation,
  source: AnswerSource,
): AsyncGenerator<ChatEvent, Ending> {
  const { start, writer } = source;
  const before = turnsOf(source.events).filter(({ seq }) => seq < start).length;
  const { maxTurns } = chat.context.config.agent;
  // The turn that an earlier answer left open is gone on with, but not told again.
  for (let index = Math.max(0, before - 1); ; index += 1) {
    const known = turnsOf(source.events)[index];
    if (known === undefined && (writer === null || index - before >= maxTurns)) {
      const count = index - before;
      yield* say(chat, `[Stopped after ${count} turns of the model, the most that agent.maxTurns allows.]`);
      return { status: "completed", last: finish(chat, undefined, "stop", "max_turns") };
    }
    const isTold = index >= before;
    if (known !== undefined && isTold) yield* repeatTurn(known, chat);
    const turn = known ?? (yield* askModel(chat, source, index + 1));
    if (isTold) chat.usage = addUsage(chat.usage, turn.usage);
    chat.auto = chat.mode.explain?.(turnsOf(source.events), chat.context) ?? null;

    const answers = yield* answerAloud(chat, source, turn, index + 1);
    for (const { step } of answers.values()) if (step !== null) yield { type: "step", turn: index + 1, step };
    const returned = callsForClient(turn, answers);
    if (returned.length > 0 || turn.calls.length === 0) {
      yield* emitCalls(returned);
      return endOf(chat, turn, returned, answers);
    }
  }
}

async function* askModel(
  chat: Conversation,
  { events, writer }: AnswerSource,
  number: number,
): AsyncGenerator<ChatEvent, KeptTurn> {
  if (writer === null) throw new Error("an answer that is told again asks no model");
  const { run } = writer;
  run.signal.throwIfAborted();
  const earlier = turnsOf(events);
  const around = withoutOwnTurns(chat.request.messages, run.id, earlier);
  const request = modelRequest(chat, { ...around, hidden: hiddenMessages(earlier) }, number);
  const turn = yield* takeTurn(chat.model, request, {
    said: chat,
    passes: () => false,
    signal: run.signal,
  });
  run.signal.throwIfAborted();
  if (turn === null) throw new Error("bytes of a provider cannot be answered");
  run.note(toTurnEvent(turn, assignCalls(chat, turn.calls, writer, earlier.length > 0)));
  return turnAt(events, number - 1);
}

function assignCalls(
  { callerTools }: Conversation,
  calls: readonly ToolCall[],
  { run, answering }: AnswerWriter,
  hasHidden: boolean,
): readonly TurnCall[] {
  // What the client has not seen can be given back to the model only if the client's own calls lead back here as well.
  const leadsBack = hasHidden || calls.some(({ name }) => !callerTools.owns(name));
  return calls.map((call) => {
    if (!callerTools.owns(call.name)) return answering.assign(call, run);
    return { id: call.id, caller: true, ...(leadsBack ? { call: run.nextCallId() } : {}) };
  });
}

/** Answers the calls of a turn, and says meanwhile what happens if the client wants to hear it. */
async function* answerAloud(
  chat: Conversation,
  source: AnswerSource,
  turn: KeptTurn,
  number: number,
): AsyncGenerator<ChatEvent, ReadonlyMap<ToolCall, Answer>> {
  const { writer } = source;
  if (writer === null || !chat.request.wantsProgress) return await answerCalls(chat, source, turn);
  const feed = new ProgressFeed();
  const answering = async (): Promise<ReadonlyMap<ToolCall, Answer>> => {
    using _ = followChat(writer.run, feed.tell);
    return await answerCalls(chat, source, turn, feed.tell);
  };
  const telling = feed.during(answering());
  for (;;) {
    const next = await telling.next();
    if (next.done) return next.value;
    yield { type: "progress", turn: number, progress: next.value };
  }
}

/** Brings our calls to rest together, and records what goes back to the model in the model's order. */
async function answerCalls(
  chat: Conversation,
  { start, settle, writer }: AnswerSource,
  turn: KeptTurn,
  tell?: TellProgress,
): Promise<ReadonlyMap<ToolCall, Answer>> {
  const ours = turn.calls.flatMap((call, index) => {
    const place = turn.places[index];
    const answered = turn.answers.get(call.id);
    const isOld = turn.seq < start && answered !== undefined && answered.seq < start;
    return place === undefined || place.caller || isOld ? [] : [{ call, place, answered }];
  });
  const outcomes = await Promise.allSettled(
    ours.map(async ({ call, place }) => {
      const answer = await settle(call, place, tell);
      if (answer.type === "message") tell?.(resultProgress(place, answer.content));
      return answer;
    }),
  );
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

function resultProgress({ run, call }: TurnCall, content: string): Progress {
  return {
    type: "result",
    ...(run === undefined ? {} : { run_id: run }),
    ...(call === undefined ? {} : { call }),
    content,
  };
}

/** The calls that the client is to answer: its own, and those that wait for a person. */
function callsForClient(turn: KeptTurn, answers: ReadonlyMap<ToolCall, Answer>): readonly ToolCall[] {
  return turn.calls.flatMap((call, index) => {
    const { caller = false, call: id = call.id } = turn.places[index] ?? {};
    if (caller) return turn.answers.has(call.id) ? [] : [{ ...call, id }];
    const answer = answers.get(call);
    return answer?.type === "pending" ? answer.calls : [];
  });
}

function endOf(
  chat: Conversation,
  turn: KeptTurn,
  returned: readonly ToolCall[],
  answers: ReadonlyMap<ToolCall, Answer>,
): Ending {
  if (returned.length === 0) return { status: "completed", last: finish(chat, turn, turn.reason, null) };
  const paused = [...answers.values()].some(({ type }) => type === "pending");
  const leadsBack = turn.places.some(({ caller, call }) => !caller || call !== undefined);
  return {
    status: leadsBack ? "waiting" : "completed",
    last: finish(chat, turn, "tool_calls", paused ? "approval" : null),
  };
}

function turnAt(events: readonly JournalEvent[], index: number): KeptTurn {
  const turn = turnsOf(events)[index];
  if (turn === undefined) throw new Error("a turn that was recorded is not there");
  return turn;
}
