/**
 * Chat requests, and the answers (replies to the user) that they get. One chat is one run over as many requests as it
 * takes: it pauses where a call needs approval, and resumes when the conversation comes back. So a request begins a
 * chat, resumes one, or asks again for an answer that is under way or complete.
 *
 * The trip of a chat that pauses, restarts and resumes. Every arrow is a call downward; nothing calls back:
 *
 *   pause    answer.ts            a call of the model needs approval: the response ends with it, its run waits
 *   restart  runs/runner.recover  nothing to do: the run is at rest in the store, nobody owns it
 *   resume   engine.run           the conversation comes back with a tool message
 *              → readReply         which calls it answers
 *              → resumeChat
 *                 → runner.borrowChat     claims and loads the run here; waits while another process owns it
 *                 → readReplyTo           what the message says to each call
 *                 → runner.decide         each decision, durable; programs and calls resume by themselves
 *                 → answers.resume        the answer resumes, as a LiveAnswer that outlives the loan
 *              → answer.follow            the client reads it, from the turn after the pause
 *            once the answer ends the run rests: it is committed, and released
 *
 * Clients retry failed requests, and a retry would repeat the effects of tools. So a failure after the first tool call
 * is an ordinary end of the answer, in words and with a `stopReason`, never an error.
 */
import type { Log } from "../log.ts";
import type { CallRun } from "../runs/execution/call-run.ts";
import { createTurnstiles } from "../runs/live/turnstile.ts";
import { requestKey } from "../runs/record/request-keys.ts";
import type { Runner } from "../runs/runner.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { canComeAgain, findChapter } from "./back/attach.ts";
import { type CutRequests, createCutRequests, findCutChapter } from "./back/cut-requests.ts";
import { readReply } from "./back/reply.ts";
import { tellOutcomes } from "./back/told-outcomes.ts";
import { type ConversationDeps, openConversation } from "./conversation.ts";
import type { ChatEvent } from "./events.ts";
import type { Followable } from "./live-answer.ts";
import { answerPlainly } from "./plain.ts";
import { resumeChat } from "./resume.ts";
import type { Chapter } from "./turns/kept-turns.ts";
import type { ChatRequest } from "./turns/request.ts";

export interface ChatEngineDeps extends ConversationDeps {
  readonly runner: Pick<
    Runner,
    | "start"
    | "openChat"
    | "catalog"
    | "decide"
    | "cancel"
    | "settlement"
    | "borrowChat"
    | "findChat"
    | "programAtRest"
    | "reader"
  >;
  readonly log: Log;
  /**
   * Milliseconds for which an answer with an `Idempotency-Key` continues after its client has left, and in which a
   * repeated body resumes a chat whose connection was cut.
   */
  readonly reattachMs: number;
}

export interface ChatEngine {
  /**
   * Answers one request while the caller reads its events. To end a turn of the model at once, abort `request.signal`;
   * leaving the iteration does not.
   *
   * @throws ToolariumError before anything ran: what is wrong with the request, `upstream_error`, `not_ready` or
   *   `queue_full`
   */
  run(request: ChatRequest): AsyncIterable<ChatEvent>;
}

export function createChatEngine(deps: ChatEngineDeps): ChatEngine {
  const answers = createAnswers(deps);
  const inTurn = createTurnstiles();
  const cuts = createCutRequests(deps.reattachMs);
  return {
    async *run(request) {
      const reply = readReply(request.messages);
      const told = async (): Promise<ChatRequest> => ({
        ...request,
        messages: await tellOutcomes(request, deps.runner),
      });
      const resumed = reply && (await resumeChat(deps, answers, await told(), reply));
      if (resumed === undefined && request.mode === "plain") {
        yield* answerPlainly(deps, await told());
        return;
      }
      const key = JSON.stringify([request.principal, requestKey(request.mark)]);
      // One at a time for each key: the second of two equal requests finds the chat that the first began.
      const begin = async (): Promise<Followable> => {
        const asked = await told();
        return inTurn(key, () => beginOrGoOn(deps, answers, cuts, asked, key));
      };
      const answer = resumed ?? (await begin());
      if (resumed === undefined) cuts.watch(key, answer.run, request.signal);
      yield* answer.follow(request.signal);
    },
  };
}

/** Begins a chat, unless the request resumes or replays an earlier one. */
async function beginOrGoOn(
  deps: ChatEngineDeps,
  answers: Answers,
  cuts: CutRequests,
  request: ChatRequest,
  key: string,
): Promise<Followable> {
  const { runner } = deps;
  const { principal, mark, isFresh } = request;
  if (isFresh) return beginChat(deps, answers, request);
  const isSaid = canComeAgain(request);
  const cut = cuts.take(key);
  const earlier = isSaid || cuts.mayHaveBeenLeft ? (cut ?? (await runner.findChat(principal, mark))) : cut;
  const find = (run: CallRun): Chapter | undefined | Promise<Chapter | undefined> =>
    isSaid
      ? findChapter(run, request)
      : findCutChapter(run, request, runner, deps.reattachMs, cut !== undefined);
  const answer = earlier === undefined ? undefined : await answerAgain(deps, answers, request, earlier, find);
  if (answer !== undefined) return answer;
  const begun = await beginChat(deps, answers, request, mark.key !== null);
  if (!("known" in begun)) return begun;
  // Another process began a chat with this key at the same moment.
  const { known } = begun;
  const theirs = await answerAgain(deps, answers, request, known, (run) => findChapter(run, request));
  return theirs ?? beginChat(deps, answers, request);
}

/** The answer of this chat for which the request asks again; undefined when there is none. */
async function answerAgain(
  { runner }: ChatEngineDeps,
  answers: Answers,
  request: ChatRequest,
  id: string,
  find: (run: CallRun) => Chapter | undefined | Promise<Chapter | undefined>,
): Promise<Followable | undefined> {
  using chat = await runner.borrowChat(id, request.principal, request.signal);
  const chapter = chat && (await find(chat.run));
  // Awaited here, because the chat is borrowed until this function returns.
  return chapter && (await answers.again(chat.run, chapter.start, request));
}

async function beginChat(deps: ChatEngineDeps, answers: Answers, request: ChatRequest): Promise<Followable>;
async function beginChat(
  deps: ChatEngineDeps,
  answers: Answers,
  request: ChatRequest,
  once: boolean,
): Promise<Followable | { readonly known: string }>;
async function beginChat(
  { runner, config, ...deps }: ChatEngineDeps,
  answers: Answers,
  request: ChatRequest,
  once = false,
): Promise<Followable | { readonly known: string }> {
  const chat = openConversation({ runner, config, ...deps }, request);
  const { principal, keyName, user, policy, mode, model, mark } = request;
  const opened = await runner.openChat({
    principal,
    keyName,
    user,
    policy,
    kind: "chat",
    consent: "auto",
    limits: config.limits,
    chat: { mode, model, request: mark },
    once,
  });
  return "known" in opened ? opened : answers.begin(opened, chat);
}
