/**
 * The loop of a chat: ask the model, bring its calls to rest, record their answers, ask again. What it does next is
 * read from the journal of the run each time, so that an answer which was broken off, by a person's decision or by
 * the end of a process, is gone on with by the same lines that began it, and told again by them, too.
 */
import type { TurnCall } from "../journal.ts";
import type { RunState } from "../runs/record/run-state.ts";
import type { ToolCall } from "../upstream/model.ts";
import type { AnswerSource, AnswerWriter } from "./answer-source.ts";
import type { Answer } from "./calls/call-answering.ts";
import type { Conversation } from "./calls/conversation.ts";
import { modelRequest } from "./conversation.ts";
import { type ChatEvent, finish, say } from "./events.ts";
import { answerAloud, callsForClient } from "./turn-calls.ts";
import { releaseText, sayCutOff } from "./turn-text.ts";
import { describeLimits, hasBudget } from "./turns/budget.ts";
import type { KeptTurn } from "./turns/kept-turn.ts";
import { hiddenMessages, toTurnEvent, turnsOf, withoutOwnTurns } from "./turns/kept-turns.ts";
import { resultImages } from "./turns/result-images.ts";
import { emitCalls, repeatTurn, type Turn, takeTurn } from "./turns/turn.ts";
import { addUsage } from "./turns/usage.ts";

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
  const before = turnsOf(source.state).filter(({ seq }) => seq < start).length;
  // The turn that an earlier answer left open is gone on with, but not told again.
  for (let index = Math.max(0, before - 1); ; index += 1) {
    const known = turnsOf(source.state)[index];
    if (known === undefined && source.failure !== undefined) throw source.failure;
    const limit = known === undefined ? reachedLimit(chat, writer, index - before) : null;
    if (limit !== null) return yield* stopAt(limit, chat, index - before);
    const isTold = index >= before;
    chat.turn = index + 1;
    if (known !== undefined && isTold) yield* repeatTurn(known, chat, chat.isJson);
    chat.hasAsked ||= isTold;
    const turn = known ?? (yield* askInTime(chat, source, index + 1));
    if (turn === null) return yield* stopAt("budget", chat, index - before);
    if (isTold) chat.usage = addUsage(chat.usage, turn.usage);
    chat.auto = chat.mode.explain?.(turnsOf(source.state), chat.context) ?? null;

    if (turn.cut !== undefined && turn.calls.length > 0) return yield* endCutOff(chat, turn);

    const answers = yield* answerAloud(chat, source, turn, index + 1);
    const returned = callsForClient(turn, answers);
    const isLast = returned.length > 0 || turn.calls.length === 0;
    if (isTold) yield* releaseText(chat, turn, isLast);
    for (const { step } of answers.values()) if (step !== null) yield { type: "step", turn: index + 1, step };
    if (isLast) {
      yield* emitCalls(returned);
      return endOf(chat, turn, returned, answers);
    }
  }
}

/** None of its calls is made, and none is handed to the client. */
function* endCutOff(chat: Conversation, turn: KeptTurn): Generator<ChatEvent, Ending> {
  const { reason, cut = reason } = turn;
  yield* releaseText(chat, turn, true);
  yield* sayCutOff(chat, turn);
  return { status: "completed", last: finish(chat, turn, cut === reason ? reason : "stop", cut) };
}

type Limit = "max_turns" | "budget";

/** An answer that is told again was stopped where its turns end, if they do not end it themselves. */
function reachedLimit(
  { request: { limits } }: Conversation,
  writer: AnswerWriter | null,
  turns: number,
): Limit | null {
  if (turns >= limits.maxTurns) return "max_turns";
  if (writer === null) return hasBudget(limits) ? "budget" : "max_turns";
  return writer.budget.isSpent ? "budget" : null;
}

function* stopAt(limit: Limit, chat: Conversation, turns: number): Generator<ChatEvent, Ending> {
  const why =
    limit === "max_turns"
      ? `after ${turns} turns of the model, the most that maxTurns allows`
      : `by a limit of this request: ${describeLimits(chat.request.limits)}`;
  yield* say(chat, `[Stopped ${why}.]`);
  return { status: "completed", last: finish(chat, undefined, "stop", limit) };
}

/** The next turn of the model; null when the time was over before it was complete. */
async function* askInTime(
  chat: Conversation,
  source: AnswerSource,
  number: number,
): AsyncGenerator<ChatEvent, KeptTurn | null> {
  try {
    return yield* askModel(chat, source, number);
  } catch (error) {
    const isLate = source.writer?.budget.deadline.aborted === true && !source.writer.run.signal.aborted;
    if (isLate) return null;
    throw error;
  }
}

async function* askModel(
  chat: Conversation,
  { state, writer }: AnswerSource,
  number: number,
): AsyncGenerator<ChatEvent, KeptTurn> {
  if (writer === null) throw new Error("an answer that is told again asks no model");
  const { run, budget } = writer;
  run.signal.throwIfAborted();
  const earlier = turnsOf(state);
  const around = withoutOwnTurns(chat.request.messages, run.id, earlier);
  const seen = await resultImages(earlier, state, chat.context.runner.reader);
  const request = modelRequest(chat, { ...around, hidden: hiddenMessages(earlier, seen) }, number);
  const turn = yield* takeTurn(chat.model, request, {
    said: chat,
    passes: () => false,
    holdsText: chat.isJson,
    signal: AbortSignal.any([run.signal, budget.deadline]),
  });
  run.signal.throwIfAborted();
  if (turn === null) throw new Error("bytes of a provider cannot be answered");
  run.note(toTurnEvent(turn, assignCalls(chat, turn, writer, earlier.length > 0)));
  return turnAt(state, number - 1);
}

function assignCalls(
  { callerTools }: Conversation,
  { calls, cut }: Turn,
  { run, answering }: AnswerWriter,
  hasHidden: boolean,
): readonly TurnCall[] {
  if (cut !== undefined) return calls.map(({ id }) => ({ id }));
  // What the client has not seen can be given back to the model only if the client's own calls lead back here as well.
  const leadsBack = hasHidden || calls.some(({ name }) => !callerTools.owns(name));
  return calls.map((call) => {
    if (!callerTools.owns(call.name)) return answering.assign(call, run);
    return { id: call.id, caller: true, ...(leadsBack ? { call: run.nextCallId() } : {}) };
  });
}

function endOf(
  chat: Conversation,
  turn: KeptTurn,
  returned: readonly ToolCall[],
  answers: ReadonlyMap<ToolCall, Answer>,
): Ending {
  if (returned.length === 0)
    return { status: "completed", last: finish(chat, turn, turn.reason, turn.cut ?? null) };
  const paused = [...answers.values()].some(({ type }) => type === "pending");
  const leadsBack = turn.places.some(({ caller, call }) => !caller || call !== undefined);
  return {
    status: leadsBack ? "waiting" : "completed",
    last: finish(chat, turn, "tool_calls", paused ? "approval" : null),
  };
}

function turnAt(state: RunState, index: number): KeptTurn {
  const turn = turnsOf(state)[index];
  if (turn === undefined) throw new Error("a turn that was recorded is not there");
  return turn;
}
