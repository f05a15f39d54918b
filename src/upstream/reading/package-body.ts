/**
 * Bodies for the AI SDK's packages, which parse their input and silently ignore what they do not know. So a body that
 * is not a stream, or is too large, is ended before it reaches them.
 */
import { isFields } from "../model.ts";
import {
  brokenAnswer,
  errorWithin,
  type FailingProvider,
  reportedByProvider,
} from "../provider/provider-error.ts";
import { followedBy, readForm } from "./beginning.ts";
import { checkSize, parsePayload } from "./payload.ts";
import { createLineReader } from "./server-sent-data.ts";

type Chunks = AsyncIterable<Uint8Array>;

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_JSON_BYTES = 64 * 1024;

/**
 * The bytes of a stream of events, or of Amazon's frames where those are expected.
 *
 * @throws `upstream_error` when they are neither; its chunks throw it when they are too many
 */
export async function sureOfStream(
  chunks: Chunks,
  provider: FailingProvider,
  isFramed: boolean,
): Promise<Chunks> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) throw brokenAnswer(provider, "answered with nothing");
  const whole = followedBy([first.value], iterator);
  // A frame begins with its length, whose first byte is zero.
  if (isFramed && first.value[0] === 0) return bounded(whole, provider);
  const { form, chunks: body } = await readForm(whole, provider);
  if (form === "json") throw await errorOf(body, provider);
  if (isFramed) throw brokenAnswer(provider, "sent something that is not of its protocol");
  return boundedEvents(bounded(body, provider), provider);
}

async function errorOf(body: Chunks, provider: FailingProvider): Promise<Error> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    parts.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MAX_JSON_BYTES) return brokenAnswer(provider, "answered with JSON in place of a stream");
  }
  const payload = parsePayload(Buffer.concat(parts).toString("utf8"), provider);
  if (!isFields(payload)) return reportedByProvider(provider, payload);
  return errorWithin(provider, payload) ?? brokenAnswer(provider, "answered with JSON in place of a stream");
}

async function* bounded(chunks: Chunks, provider: FailingProvider): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw brokenAnswer(provider, "sent more than can be read");
    yield chunk;
  }
}

/** A package parses an event once its line ends, so the event is examined before that. */
async function* boundedEvents(chunks: Chunks, provider: FailingProvider): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  const lines = createLineReader();
  try {
    for await (const chunk of chunks) {
      for (const line of lines.read(decoder.decode(chunk, { stream: true }))) checkSize(line, provider);
      yield chunk;
    }
    checkSize(lines.rest(), provider);
  } catch (error) {
    if (error instanceof RangeError) throw brokenAnswer(provider, "sent more than can be read", error);
    throw error;
  }
}
