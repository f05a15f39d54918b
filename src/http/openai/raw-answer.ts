/**
 * Passes a provider's answer (its reply to a request of the gateway) to the client, byte for byte. Nothing is parsed:
 * only this loop stands between the two connections, because the copying is most of the time that a gateway adds.
 */
import type { FastifyReply } from "fastify";
import type { ChatEvent } from "../../chat/events.ts";
import { toOpenAiError } from "../request/openai-error.ts";
import { disconnectSignal, drained, formatEvent, HEARTBEAT_MS } from "../request/sse.ts";

export type RawEvent = ChatEvent & { readonly type: "raw" };

export interface RawAnswerOptions {
  /** Whether the client asked for a stream. */
  readonly isStream: boolean;
  /** Called with a failure that the client was sent. */
  readonly onFailure: (error: unknown) => void;
  readonly heartbeatMs?: number;
}

/** An answer of at most this many bytes is sent in one piece, with its length. */
const WHOLE_BYTES = 1_048_576;
const LINE_FEED = 10;

/** @throws what the iterator of bytes throws before the first byte was sent */
export async function sendRawAnswer(
  reply: FastifyReply,
  { contentType, chunks }: RawEvent,
  options: RawAnswerOptions,
): Promise<void> {
  reply.type(contentType);
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const begun = options.isStream ? await readSome(iterator, 0) : await readSome(iterator, WHOLE_BYTES);
    if (begun.isWhole) void reply.send(begun.bytes);
    else await pump(reply, begun.bytes, iterator, options);
  } finally {
    await iterator.return?.();
  }
}

/** Reads until there are more than this many bytes, or to the end. */
async function readSome(
  iterator: AsyncIterator<Uint8Array>,
  moreThan: number,
): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size <= moreThan) {
    const next = await iterator.next();
    if (next.done) return { bytes: join(parts), isWhole: true };
    parts.push(next.value);
    size += next.value.byteLength;
  }
  return { bytes: join(parts), isWhole: false };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** Reads from the provider only as fast as the client reads. */
async function pump(
  reply: FastifyReply,
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  { isStream, onFailure, heartbeatMs = HEARTBEAT_MS }: RawAnswerOptions,
): Promise<void> {
  const { raw } = reply;
  const gone = disconnectSignal(reply);
  if (isStream) reply.header("x-accel-buffering", "no");
  reply.hijack();
  raw.writeHead(200, reply.getHeaders() as Record<string, string>);
  let last = first;
  // A comment may be sent between two events, never inside one.
  const heartbeat = isStream
    ? setInterval(() => {
        if (endsEvent(last)) raw.write(":\n\n");
      }, heartbeatMs)
    : undefined;
  try {
    for (let chunk: Uint8Array | undefined = first; chunk !== undefined; ) {
      last = chunk;
      heartbeat?.refresh();
      if (!raw.write(chunk)) await drained(raw, gone);
      if (raw.destroyed) return;
      const next: IteratorResult<Uint8Array> = await rest.next();
      chunk = next.done ? undefined : next.value;
    }
    raw.end();
  } catch (error) {
    onFailure(error);
    // The status was already sent: a stream names the failure in its last line, any other answer is cut.
    if (isStream) raw.end(`\n\n${formatEvent({ data: JSON.stringify(toOpenAiError(error).body) })}`);
    else raw.destroy();
  } finally {
    clearInterval(heartbeat);
  }
}

function endsEvent(bytes: Uint8Array): boolean {
  return bytes.at(-1) === LINE_FEED && bytes.at(-2) === LINE_FEED;
}
