/**
 * One name for several models, tried in order until one answers. A model whose provider failed lately is tried last.
 * The chain fails over under the same rule as retries (see attempts.ts): before any part of an answer has come.
 */
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import { isCallersFault } from "./attempts.ts";
import { beginAnswer } from "./begin-answer.ts";
import type { CoolDown } from "./cool-down.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";

export interface ChainMember {
  readonly model: ChatModel;
  /** Health of its provider. */
  readonly health: CoolDown;
}

/** @throws the error of the last of `members` that was tried; an error caused by the request itself at once */
export function createChain(
  name: string,
  members: readonly ChainMember[],
  log?: Pick<Log, "warn">,
): ChatModel {
  return { name, stream: (request, signal) => streamAnswer(name, members, request, signal, log) };
}

async function* streamAnswer(
  chain: string,
  members: readonly ChainMember[],
  request: ModelRequest,
  signal: AbortSignal,
  log: Pick<Log, "warn"> | undefined,
): AsyncGenerator<ModelEvent> {
  const ordered = inOrder(members, request);
  for (const [index, { model }] of ordered.entries()) {
    let answer: AsyncIterable<ModelEvent>;
    try {
      answer = await beginAnswer(model, request, signal);
    } catch (error) {
      const next = ordered[index + 1]?.model.name;
      if (signal.aborted || next === undefined || !(error instanceof ToolariumError) || isCallersFault(error))
        throw error;
      log?.warn(
        { chain, model: model.name, next, reason: error.message },
        "the next model of a chain is asked",
      );
      continue;
    }
    yield* answer;
    return;
  }
}

/**
 * A later turn goes first to the model that answered before, which knows its own thoughts. Then the ready ones, in the
 * chain's order.
 */
function inOrder(members: readonly ChainMember[], { answeredBy }: ModelRequest): readonly ChainMember[] {
  const rank = ({ model, health }: ChainMember): number => {
    if (model.name === answeredBy) return 0;
    return health.isReady ? 1 : 2;
  };
  return members.toSorted((a, b) => rank(a) - rank(b));
}
