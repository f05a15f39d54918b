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
): Promise<AsyncGenerator<ModelEvent>> {
  const parts = model.stream(request, signal)[Symbol.asyncIterator]();
  return goOn(await parts.next(), parts);
}

async function* goOn(
  first: IteratorResult<ModelEvent>,
  parts: AsyncIterator<ModelEvent>,
): AsyncGenerator<ModelEvent> {
  try {
    for (let part = first; !part.done; part = await parts.next()) yield part.value;
  } finally {
    await parts.return?.();
  }
}
