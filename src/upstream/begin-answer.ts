/** What fails before the first part of an answer can be asked for again; what fails after it cannot. */
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";

/**
 * Resolves with the whole answer once its first part has come. It must be read, or left by its reader, from then on.
 *
 * @throws what the model throws before that
 */
export async function beginAnswer(
  model: ChatModel,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<ModelEvent>> {
  const parts = model.stream(request, signal)[Symbol.asyncIterator]();
  let first: IteratorResult<ModelEvent> | undefined = await parts.next();
  // No generator: each would cost every part of the answer a turn of its own.
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
