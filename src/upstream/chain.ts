/**
 * One name for several models, asked in their order until one answers. A model whose provider failed lately is asked
 * last. Goes over to the next under the rule of retries (see attempts.ts): before anything of an answer has come, and
 * only in a request's first turn.
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
      const mayGoOn = request.repeatable && !signal.aborted;
      if (!mayGoOn || next === undefined || !(error instanceof ToolariumError) || isCallersFault(error))
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
 * Who is ready comes first, in the chain's order. A request that goes to one only is no probe: it goes to the model
 * that answered before, which knows its own thoughts, or else to one that has not failed.
 */
function inOrder(
  members: readonly ChainMember[],
  { repeatable, answeredBy }: ModelRequest,
): readonly ChainMember[] {
  const rank = ({ model, health }: ChainMember): number => {
    if (!repeatable && model.name === answeredBy) return 0;
    if (health.isHealthy) return 1;
    if (health.isReady) return repeatable ? 1 : 2;
    return 3;
  };
  return members.toSorted((a, b) => rank(a) - rank(b));
}
