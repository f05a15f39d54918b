/** Separates failures before the first part of an answer, which allow a retry, from failures after it, which do not. */
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";

/**
 * Resolves with the whole answer once its first part has come. From then on the caller must read it or end the
 * iteration.
 *
 * @throws the error that the model throws before that
 */
export async function beginAnswer(
  model: ChatModel,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<ModelEvent>> {
  const parts = model.stream(request, signal)[Symbol.asyncIterator]();
  let first: IteratorResult<ModelEvent> | undefined = await parts.next();
  // Not a generator: it would cost every part of the answer an event-loop turn of its own.
  const answer: AsyncIterator<ModelEvent> = {
    async next() {
      const part = first ?? parts.next();
      first = undefined;
      return part;
    },
    async return() {
      return (await parts.return?.()) ?? { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => answer };
}
