/**
 * The turn loop of a chat request: ask the model, pass on what it says, answer those of its calls that are ours to
 * answer, ask again. Modes differ in what the model sees and who answers (`modes.ts`), in nothing else.
 *
 * Once a tool was called the request has effects, and clients repeat failed requests: from then on a failure is an
 * ordinary end of the answer, in words and with a `stopReason`, never an error.
 */
import type { Mode } from "../config.ts";
import { type ErrorCode, toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CallRun } from "../runs/call-run.ts";
import type { Runner } from "../runs/runner.ts";
import type { ChatMessage, Fields, ToolCall, Usage } from "../upstream/model.ts";
import { type Conversation, type ConversationDeps, modelRequest, openConversation } from "./conversation.ts";
import type { Answer, ChatMode, ChatStep } from "./modes.ts";
import { explainNotOffered, isOffered } from "./offered-calls.ts";
import type { ChatRequest } from "./request.ts";
import { assistantMessage, emitCalls, type Turn, type TurnEvent, takeTurn, toolMessage } from "./turn.ts";
import { addUsage } from "./usage.ts";

export interface ChatEngineDeps extends ConversationDeps {
  readonly runner: Pick<Runner, "start" | "openCalls" | "catalog">;
  readonly log: Log;
}

/** Why an answer ended before the model was done: a limit, a call that waits for a person, or a failure's code. */
export type StopReason = "max_turns" | "approval" | ErrorCode;

/** `started` is first. Then either one `raw`, or parts that end with `finish`. */
export type ChatEvent =
  | { readonly type: "started"; readonly mode: Mode; readonly runId: string | null }
  | TurnEvent
  | { readonly type: "step"; readonly turn: number; readonly step: ChatStep }
  | {
      readonly type: "finish";
      readonly reason: string;
      readonly stopReason: StopReason | null;
      /** Sum over all turns. */
      readonly usage: Usage | null;
      /** What the provider said about its last answer as a whole. */
      readonly response: Fields;
    };

export interface ChatEngine {
  /**
   * Answers one request while its events are read. Leaving the iteration is not enough to end a turn at once: abort.
   *
   * @throws ToolariumError before anything ran: what is wrong with the request, `upstream_error`, `not_ready`, `queue_full`
   */
  run(request: ChatRequest): AsyncIterable<ChatEvent>;
}

export function createChatEngine(deps: ChatEngineDeps): ChatEngine {
  return { run: (request) => answerRequest(deps, request) };
}

async function* answerRequest(deps: ChatEngineDeps, request: ChatRequest): AsyncGenerator<ChatEvent> {
  const chat = openConversation(deps, request);
  const run = chat.mode.answer === null ? null : await openRun(deps, request);
  // A reader that leaves without aborting ends the run, too.
  let status: RunEnd = "cancelled";
  let last: ChatEvent | null;
  try {
    yield { type: "started", mode: request.mode, runId: run?.id ?? null };
    ({ status, last } = yield* converse(chat, run));
  } catch (error) {
    if (!request.signal.aborted) status = "failed";
    if (request.signal.aborted || !chat.hasEffects) throw error;
    last = yield* endInWords(chat, deps.log, error);
  } finally {
    await closeRun(run, status, deps.log);
  }
  // Whoever has read the end finds the run's record complete.
  if (last !== null) yield last;
}

type RunEnd = Parameters<CallRun["end"]>[0];

function openRun({ runner, config }: ChatEngineDeps, request: ChatRequest): Promise<CallRun> {
  const { principal, policy, signal } = request;
  return runner.openCalls({
    principal,
    policy,
    signal,
    kind: "chat",
    consent: "auto",
    limits: config.limits,
  });
}

/** The answer is due even if its record could not be completed. */
async function closeRun(run: CallRun | null, status: RunEnd, log: Log): Promise<void> {
  await run
    ?.end(status)
    .catch((error: unknown) => log.error({ err: error, run: run.id }, "run not recorded"));
}

interface Ending {
  readonly status: "completed" | "waiting";
  /** Null when the answer was passed on unread. */
  readonly last: ChatEvent | null;
}

/** Each turn of the loop is one answer of the model. */
async function* converse(chat: Conversation, run: CallRun | null): AsyncGenerator<ChatEvent, Ending> {
  const { mode, context, callerTools } = chat;
  for (let number = 1; ; number += 1) {
    const turn = yield* takeTurn(chat.model, modelRequest(chat, number), {
      said: chat,
      passes: (name) => mode.answer === null && isOffered(name, chat),
      signal: context.signal,
    });
    if (turn === null) return { status: "completed", last: null };
    chat.usage = addUsage(chat.usage, turn.usage);

    if (mode.answer === null || run === null)
      return { status: "completed", last: yield* endWithCalls(chat, turn) };

    const ours = turn.calls.filter(({ name }) => !callerTools.owns(name));
    if (ours.length === 0) {
      yield* emitCalls(turn.calls);
      const reason = turn.calls.length > 0 ? "tool_calls" : turn.reason;
      return { status: "completed", last: finish(chat, turn, reason, null) };
    }

    chat.messages = [...chat.messages, assistantMessage(turn)];
    const answers = await answerAll(chat, ours, mode.answer, run);
    for (const { step } of answers.values()) if (step !== null) yield { type: "step", turn: number, step };
    const { returned, paused } = callsForClient(turn.calls, answers);
    if (returned.length > 0) {
      yield* emitCalls(returned);
      const last = finish(chat, turn, "tool_calls", paused ? "approval" : null);
      return { status: paused ? "waiting" : "completed", last };
    }
    if (number >= context.config.agent.maxTurns) {
      yield* say(chat, `[Stopped after ${number} turns of the model, the most that agent.maxTurns allows.]`);
      return { status: "completed", last: finish(chat, turn, "stop", "max_turns") };
    }
  }
}

/** The calls that the client may have went out as they came. Those outside the set are refused in words. */
function* endWithCalls(chat: Conversation, turn: Turn): Generator<ChatEvent, ChatEvent> {
  const refused = turn.calls.filter(({ name }) => !isOffered(name, chat));
  for (const { name } of refused) yield* say(chat, `[Call refused: ${explainNotOffered(name, chat)}]`);
  if (turn.calls.length > refused.length) return finish(chat, turn, "tool_calls", null);
  return finish(chat, turn, refused.length > 0 ? "stop" : turn.reason, null);
}

/** Makes all calls together and adds their messages in the model's order. */
async function answerAll(
  chat: Conversation,
  calls: readonly ToolCall[],
  answer: NonNullable<ChatMode["answer"]>,
  run: CallRun,
): Promise<ReadonlyMap<ToolCall, Answer>> {
  const outcomes = await Promise.allSettled(calls.map((call) => answer(call, run, chat.context)));
  chat.hasEffects ||= outcomes.some(
    (outcome) => outcome.status === "fulfilled" && outcome.value.step !== null,
  );
  const answers = new Map<ToolCall, Answer>();
  const messages: ChatMessage[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "rejected") throw outcome.reason;
    const call = calls[index];
    if (call === undefined) continue;
    answers.set(call, outcome.value);
    if (outcome.value.type === "message") messages.push(toolMessage(call.id, outcome.value.content));
  }
  chat.messages = [...chat.messages, ...messages];
  return answers;
}

/** The calls that the client is to answer: its own, and those that wait for a person. */
function callsForClient(
  calls: readonly ToolCall[],
  answers: ReadonlyMap<ToolCall, Answer>,
): { readonly returned: readonly ToolCall[]; readonly paused: boolean } {
  let paused = false;
  const returned = calls.flatMap((call) => {
    const answer = answers.get(call);
    if (answer === undefined) return [call];
    if (answer.type === "message") return [];
    paused = true;
    return answer.calls;
  });
  return { returned, paused };
}

function* endInWords(chat: Conversation, log: Log, error: unknown): Generator<ChatEvent, ChatEvent> {
  const refusal = toRefusal(error);
  const isBug = refusal.code === "internal_error";
  log[isBug ? "error" : "warn"]({ err: isBug ? error : undefined, code: refusal.code }, "chat ended early");
  yield* say(chat, `[The answer ends here: ${refusal.message} What the tools have done so far stands.]`);
  return finish(chat, undefined, "stop", refusal.code);
}

function* say(chat: Conversation, text: string): Generator<ChatEvent> {
  yield { type: "text-delta", text: chat.hasText ? `\n\n${text}` : text };
  chat.hasText = true;
}

function finish(
  chat: Conversation,
  turn: Turn | undefined,
  reason: string,
  stopReason: StopReason | null,
): ChatEvent {
  return { type: "finish", reason, stopReason, usage: chat.usage, response: turn?.response ?? {} };
}
