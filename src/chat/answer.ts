/**
 * The loop that makes one answer, the reply to the user: ask the model, settle its calls, record their answers, ask
 * again. Every step is decided from the journal, never from memory, so one loop starts an answer, resumes one that an
 * approval or a crash interrupted, and replays a finished one.
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
  /** The run's status after the answer. */
  readonly status: "completed" | "waiting";
  readonly last: ChatEvent;
}

/** One pass of the loop is one turn of the model. */
export async function* tellAnswer(
  chat: Conversation,
  source: AnswerSource,
): AsyncGenerator<ChatEvent, Ending> {
  const { start, writer } = source;
  const before = turnsOf(source.state).filter(({ seq }) => seq < start).length;
  // The turn that an earlier answer left open is resumed, but not sent to the client again.
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

/** Ends with a turn that was cut off: none of its calls is made or handed to the client. */
function* endCutOff(chat: Conversation, turn: KeptTurn): Generator<ChatEvent, Ending> {
  const { reason, cut = reason } = turn;
  yield* releaseText(chat, turn, true);
  yield* sayCutOff(chat, turn);
  return { status: "completed", last: finish(chat, turn, cut === reason ? reason : "stop", cut) };
}

type Limit = "max_turns" | "budget";

/** In a replay (no writer), running out of recorded turns means that the original hit a limit there. */
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

/** The next turn of the model; null when `maxWallMs` passed before it was complete. */
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
  // The client never sees hidden turns. It can come back to them only if its own calls have ids of this run too.
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
