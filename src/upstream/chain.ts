/**
 * One name for several models, asked in their order until one answers. A model whose provider failed lately is asked
 * last. Goes over to the next under the rule of retries (see attempts.ts): before anything of an answer has come.
 */
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import { isCallersFault } from "./attempts.ts";
import { beginAnswer } from "./begin-answer.ts";
import type { CoolDown } from "./cool-down.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";

export interface ChainMember {
  readonly model: ChatModel;
  /** Of its provider. */
  readonly health: CoolDown;
}

/** @throws what the last one of `members` that was asked threw; a fault of the request's own at once */
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

/** A later turn goes to the model that answered before, which knows its own thoughts. Then who is ready, in the chain's order. */
function inOrder(members: readonly ChainMember[], { answeredBy }: ModelRequest): readonly ChainMember[] {
  const rank = ({ model, health }: ChainMember): number => {
    if (model.name === answeredBy) return 0;
    return health.isReady ? 1 : 2;
  };
  return members.toSorted((a, b) => rank(a) - rank(b));
}
