/**
 * A response as an event stream (text/event-stream). The stream ends when its events end, when the client leaves or
 * when the server shuts down. A comment line every few seconds keeps proxies and clients from timing out.
 */
import { once } from "node:events";
import { PassThrough, type Writable } from "node:stream";
import type { FastifyReply } from "fastify";

export interface ServerSentEvent {
  /** The client sends it back as `Last-Event-ID`. */
  readonly id?: string;
  readonly event?: string;
  /** One line or several. */
  readonly data: string;
}

export interface EventStreamOptions {
  /** Milliseconds of silence after which a comment is sent. Default `HEARTBEAT_MS`. */
  readonly heartbeatMs?: number;
  /** Ends the stream early. */
  readonly signal?: AbortSignal;
}

/** Milliseconds between comments: common proxies time out after 15–60 s. */
export const HEARTBEAT_MS = 10_000;

/**
 * Sends the events as the response. Returns the reply at once, as a route must. `events` is read only as fast as the
 * client reads. Its iterator's `return` is always called, also when the client left. A failure of the iterator cuts the
 * connection, so that the client does not take it for the end of the stream.
 */
export function sendEventStream(
  reply: FastifyReply,
  events: AsyncIterable<ServerSentEvent>,
  options: EventStreamOptions = {},
): FastifyReply {
  const body = new PassThrough();
  reply.header("content-type", "text/event-stream; charset=utf-8");
  reply.header("cache-control", "no-store");
  reply.header("x-accel-buffering", "no");
  // Headers are sent with the first byte, and clients wait for them before they count the stream as open.
  body.write(": open\n\n");
  void pump(events, body, options).catch((error: unknown) => {
    body.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  return reply.send(body);
}

/** Aborts when the client leaves before the response is complete. */
export function disconnectSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const check = (): void => {
    if (!reply.raw.writableFinished) controller.abort();
  };
  if (reply.raw.destroyed) check();
  else reply.raw.once("close", check);
  return controller.signal;
}

/** One event in the wire's form. */
export function formatEvent({ id, event, data }: ServerSentEvent): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
  return `${head}${lines.join("")}\n`;
}

async function pump(
  events: AsyncIterable<ServerSentEvent>,
  body: PassThrough,
  { heartbeatMs = HEARTBEAT_MS, signal }: EventStreamOptions,
): Promise<void> {
  const iterator = events[Symbol.asyncIterator]();
  const over = new AbortController();
  const stop = (): void => {
    over.abort();
    body.end();
    // Not awaited: a generator that waits for its next event settles `return` only after that event.
    void iterator.return?.().catch(() => {});
  };
  body.once("close", stop);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  const heartbeat = setInterval(() => body.write(":\n\n"), heartbeatMs);
  try {
    while (!over.signal.aborted) {
      const next = await iterator.next();
      if (next.done || over.signal.aborted) break;
      heartbeat.refresh();
      if (!body.write(formatEvent(next.value))) await drained(body, over.signal);
    }
    body.end();
  } finally {
    clearInterval(heartbeat);
    signal?.removeEventListener("abort", stop);
    body.off("close", stop);
  }
}

/** Resolves when the stream takes more, or when the signal aborts. It leaves no listener. */
export async function drained(body: Writable, signal: AbortSignal): Promise<void> {
  await once(body, "drain", { signal }).catch(() => {});
}
