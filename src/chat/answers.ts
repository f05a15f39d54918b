/** Begins, resumes and replays answers: replies to the user. At most one answer of a chat is under way. */
import { ToolariumError, toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CallRun } from "../runs/execution/call-run.ts";
import { leftAt, refuseLost } from "../runs/live/endings.ts";
import { resultOf } from "../runs/record/call-result.ts";
import { readState } from "../runs/record/run-state.ts";
import type { Runner } from "../runs/runner.ts";
import { type Ending, tellAnswer } from "./answer.ts";
import type { AnswerSource } from "./answer-source.ts";
import { waitedTooLong } from "./back/decisions.ts";
import type { ReadReply } from "./back/read-reply.ts";
import type { Answer, CallAnswering } from "./calls/call-answering.ts";
import type { Conversation } from "./calls/conversation.ts";
import { type ConversationDeps, openConversation } from "./conversation.ts";
import { type ChatEvent, endInWords } from "./events.ts";
import { type Followable, LiveAnswer } from "./live-answer.ts";
import { Budget } from "./turns/budget.ts";
import { type Chapter, chapterAfter, chaptersOf, turnsOf } from "./turns/kept-turns.ts";
import { type ChatRequest, inModeOf } from "./turns/request.ts";

export interface AnswersDeps extends ConversationDeps {
  readonly runner: ConversationDeps["runner"] & Pick<Runner, "cancel">;
  readonly log: Log;
  readonly reattachMs: number;
}

export interface Answers {
  /** The chat's first answer. */
  begin(run: CallRun, chat: Conversation): Followable;
  /** @throws ToolariumError when this request cannot resume the chat: another mode, an unknown model */
  open(run: CallRun, request: ChatRequest): Conversation;
  /** Called once the client's decisions are recorded. Waits for an answer that is still under way. */
  resume(run: CallRun, chat: Conversation, reply: ReadReply): Promise<Followable>;
  /**
   * Replays an answer from its start, and resumes it where it was not complete.
   * @throws `unknown_call` when its approval has expired
   */
  again(run: CallRun, start: number, request: ChatRequest): Promise<Followable>;
}

export function createAnswers(deps: AnswersDeps): Answers {
  const underWay = new Map<string, { readonly start: number; readonly answer: LiveAnswer }>();

  function play(run: CallRun, chat: Conversation, start: number): LiveAnswer {
    const { principal, mark } = chat.request;
    const answer = new LiveAnswer({
      run: run.id,
      events: answerLive(run, chat, start, deps.log),
      keepMs: mark.key === null ? 0 : deps.reattachMs,
      abandon() {
        run.abandon();
        // Aborting the run does not reach programs that an earlier request began.
        deps.runner.cancel(run.id, { principal, admin: false }).catch((error: unknown) => {
          deps.log.error({ err: error, run: run.id }, "a chat that was left could not be cancelled");
        });
      },
    });
    underWay.set(run.id, { start, answer });
    void answer.over.then(() => underWay.delete(run.id));
    return answer;
  }

  const open: Answers["open"] = (run, request) =>
    openConversation(deps, inModeOf(run.spec, request), run.policyWith(request.policy.layers));

  const again: Answers["again"] = (run, start, request) => {
    const chat = open(run, request);
    return run.exclusively(async () => {
      // Its client has just left, and an answer that is being abandoned cannot be followed.
      if (run.signal.aborted) await underWay.get(run.id)?.answer.over;
      const live = underWay.get(run.id);
      if (live?.start === start) return live.answer;
      const chapter = chaptersOf(run).find((each) => each.start === start);
      if (chapter === undefined) throw new Error("an answer that was found is not there");
      if (live !== undefined || !chapter.isLast || !(await isBrokenOff(run, chat, deps)))
        return tellAgain(run, chat, chapter, deps);
      run.reopen(request.policy.layers);
      return play(run, chat, start);
    });
  };

  return {
    begin: (run, chat) => play(run, chat, 1),
    open,
    again,
    async resume(run, chat, reply) {
      for (;;) {
        await underWay.get(run.id)?.answer.over;
        chat.request.signal.throwIfAborted();
        const { state, events } = run.journal;
        if (underWay.has(run.id)) continue;
        if (turnsOf(state).at(-1)?.seq !== reply.turn.seq || run.ended) break;
        run.resume({ layers: chat.request.policy.layers, request: chat.request.mark });
        const start = events.length;
        const fresh = reply.own.filter(({ id }) => !reply.turn.answers.has(id));
        for (const answer of fresh) run.note({ type: "answered", ...answer });
        return play(run, chat, start);
      }
      const chapter = chapterAfter(run, reply.turn);
      if (chapter === undefined) throw waitedTooLong();
      return again(run, chapter.start, chat.request);
    },
  };
}

async function* answerLive(
  run: CallRun,
  chat: Conversation,
  start: number,
  log: Log,
): AsyncGenerator<ChatEvent> {
  const answering = answeringOf(chat);
  using budget = new Budget(chat.request.limits);
  yield { type: "started", mode: chat.request.mode, runId: run.id };
  let ending: Ending;
  try {
    ending = yield* tellAnswer(chat, {
      state: run.journal.state,
      start,
      settle: (call, place, tell) => answering.settle(call, place, run, chat.context, { tell, budget }),
      writer: { run, answering, budget },
    });
    // Before the last event, so that a client that has read it finds the run's record complete.
    await run.end(ending.status);
  } catch (caught) {
    const error = reasonOf(run, caught);
    const refusal = toRefusal(error);
    const { code, message, run: known } = refusal;
    // A journal that cannot be written is logged elsewhere, and `reasonOf` has named it already.
    await run.end("failed", message).catch(() => undefined);
    const hasCalled = chat.hasEffects || run.journal.state.hasEffects || known?.effects === "possible";
    if (!hasCalled && code !== "cancelled") throw error;
    const isBug = code === "internal_error";
    log[isBug ? "error" : "warn"]({ err: isBug ? error : undefined, code }, "chat ended early");
    yield* endInWords(chat, refusal, chat.request.mark.key !== null && !isCancelled(run));
    return;
  }
  yield ending.last;
}

/** Why an answer failed: a lost journal or the abort of the run before the error that followed from it. */
function reasonOf(run: CallRun, caught: unknown): unknown {
  const { lost } = run.journal;
  if (lost !== undefined) return refuseLost(run, lost);
  return run.signal.aborted ? run.signal.reason : caught;
}

function tellAgain(
  run: CallRun,
  chat: Conversation,
  { start, end, isLast }: Chapter,
  { runner }: AnswersDeps,
): Followable {
  const answering = answeringOf(chat);
  const state = readState(run.journal.events.slice(0, end));
  const asOf = isLast ? Number.POSITIVE_INFINITY : (state.last?.at ?? 0);
  const viewer = { principal: chat.request.principal, admin: false };
  const source: AnswerSource = {
    state,
    start,
    writer: null,
    ...(isLast && isCancelled(run) ? { failure: new ToolariumError("cancelled") } : {}),
    async settle(call, place): Promise<Answer> {
      const records = {
        call: (id: string) => resultOf(state, id),
        program: (id: string) => runner.reader.reportAsOf(id, viewer, asOf),
      };
      const answer = await answering.look(call, place, records, chat.context);
      return answer ?? { type: "message", content: "", step: null };
    },
  };
  return {
    run: run.id,
    async *follow() {
      yield { type: "started", mode: chat.request.mode, runId: run.id };
      try {
        const { last } = yield* tellAnswer(chat, source);
        yield last;
      } catch (error) {
        if (!(error instanceof ToolariumError && error.code === "cancelled")) throw error;
        yield* endInWords(chat, error, false);
      }
    },
  };
}

/** Whether somebody cancelled the run. A run that its client, its process or the store left is resumed instead. */
function isCancelled({ journal: { state } }: CallRun): boolean {
  return state.end?.status === "cancelled" && leftAt(state) === undefined;
}

/**
 * Whether the answer was interrupted: it can resume without an approval and without the client.
 * @throws `unknown_call` when its approval has expired
 */
async function isBrokenOff(run: CallRun, chat: Conversation, { runner }: AnswersDeps): Promise<boolean> {
  const { state } = run.journal;
  const { end, last } = state;
  if (end?.error?.code === "approval_expired") throw waitedTooLong();
  if (isCancelled(run)) return false;
  if (last?.type !== "waiting") return end?.status !== "completed";
  const turn = turnsOf(state).at(-1);
  const viewer = { principal: chat.request.principal, admin: false };
  const records = {
    call: (id: string) => resultOf(state, id),
    program: (id: string) => runner.reader.report(id, viewer),
  };
  for (const [index, call] of (turn?.calls ?? []).entries()) {
    const place = turn?.places[index];
    if (place === undefined) continue;
    if (place.caller && !turn?.answers.has(call.id)) return false;
    const answer = place.caller ? null : await answeringOf(chat).look(call, place, records, chat.context);
    if (answer?.type === "pending") return false;
  }
  return true;
}

function answeringOf({ mode }: Conversation): CallAnswering {
  if (mode.answering === null) throw new Error("a mode that answers no calls keeps no run");
  return mode.answering;
}
