/**
 * Chat requests and the answers they get. One answer to a user is one run, over as many requests as it takes: it stops
 * where a person has to decide and goes on when the conversation comes back. So a request either begins a chat, goes
 * on with one, or asks again for an answer that is on its way or was given.
 *
 * Once a tool was called the request has effects, and clients repeat failed requests: from then on a failure is an
 * ordinary end of the answer, in words and with a `stopReason`, never an error.
 */
import type { Log } from "../log.ts";
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
import type { ChatRequest } from "./turns/request.ts";

export interface ChatEngineDeps extends ConversationDeps {
  readonly runner: Pick<
    Runner,
    | "start"
    | "openCalls"
    | "catalog"
    | "decide"
    | "cancel"
    | "settlement"
    | "takeUpChat"
    | "findChat"
    | "programAtRest"
    | "reader"
  >;
  readonly log: Log;
  /** Milliseconds for which an answer goes on without its client, if the client said how it would ask again. */
  readonly reattachMs: number;
}

export interface ChatEngine {
  /**
   * Answers one request while its events are read. Leaving the iteration is not enough to end a turn at once: abort.
   *
   * @throws ToolariumError before anything ran: what is wrong with the request, `upstream_error`, `not_ready`, `queue_full`
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
      // Of two that come at the same time the second one finds the first.
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

/** A new chat, unless the request goes on with an earlier one. */
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
  const answer =
    earlier === undefined
      ? undefined
      : await runner.takeUpChat(earlier, principal, async (run) => {
          const chapter = isSaid
            ? findChapter(run, request)
            : await findCutChapter(run, request, runner, deps.reattachMs, cut !== undefined);
          return chapter && answers.again(run, chapter.start, request);
        });
  return answer ?? beginChat(deps, answers, request);
}

async function beginChat(
  { runner, config, ...deps }: ChatEngineDeps,
  answers: Answers,
  request: ChatRequest,
): Promise<Followable> {
  const chat = openConversation({ runner, config, ...deps }, request);
  const { principal, keyName, user, policy, mode, model, mark } = request;
  const run = await runner.openCalls({
    principal,
    keyName,
    user,
    policy,
    kind: "chat",
    consent: "auto",
    limits: config.limits,
    chat: { mode, model, request: mark },
  });
  return answers.begin(run, chat);
}
