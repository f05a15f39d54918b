/**
 * Chat requests and the answers they get. One answer to a user is one run, over as many requests as it takes: it stops
 * where a person has to decide and goes on when the conversation comes back. So a request either begins a chat, goes
 * on with one, or asks again for an answer that is on its way or was given.
 *
 * Once a tool was called the request has effects, and clients repeat failed requests: from then on a failure is an
 * ordinary end of the answer, in words and with a `stopReason`, never an error.
 */
import type { Log } from "../log.ts";
import { requestKey } from "../runs/request-keys.ts";
import type { Runner } from "../runs/runner.ts";
import { createTurnstiles } from "../runs/turnstile.ts";
import { type Answers, createAnswers } from "./answers.ts";
import { canComeAgain, findChapter } from "./attach.ts";
import { type ConversationDeps, openConversation } from "./conversation.ts";
import type { ChatEvent } from "./events.ts";
import type { Followable } from "./live-answer.ts";
import { answerPlainly } from "./plain.ts";
import { readReply } from "./reply.ts";
import type { ChatRequest } from "./request.ts";
import { resumeChat } from "./resume.ts";

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
  return {
    async *run(request) {
      const reply = readReply(request.messages);
      if (reply === undefined && request.mode === "plain") {
        yield* answerPlainly(deps, request);
        return;
      }
      const key = JSON.stringify([request.principal, requestKey(request.mark)]);
      const begin = (): Promise<Followable> =>
        // Of two that come at the same time the second one finds the first.
        canComeAgain(request)
          ? inTurn(key, () => beginAgain(deps, answers, request))
          : beginChat(deps, answers, request);
      const answer = await (reply === undefined ? begin() : resumeChat(deps, answers, request, reply));
      yield* answer.follow(request.signal);
    },
  };
}

async function beginAgain(deps: ChatEngineDeps, answers: Answers, request: ChatRequest): Promise<Followable> {
  const { principal, mark } = request;
  const earlier = await deps.runner.findChat(principal, mark);
  const answer =
    earlier === undefined
      ? undefined
      : await deps.runner.takeUpChat(earlier, principal, async (run) => {
          const chapter = findChapter(run, request);
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
