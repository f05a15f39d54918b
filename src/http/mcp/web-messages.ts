/** Requests and responses of the framework as those of the web platform, which the MCP SDK speaks. */
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { FastifyReply, FastifyRequest } from "fastify";
import { disconnectSignal } from "../request/sse.ts";

/** Of the connection, not of the message; and those of a body, which is parsed already. */
const DROPPED = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** Without its body. Its signal aborts when the client goes away. */
export function toWebRequest(request: FastifyRequest, reply: FastifyReply): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !DROPPED.has(name)) headers.set(name, String(value));
  const url = `${request.protocol}://${request.headers.host}${request.url}`;
  return new Request(url, { method: request.method, headers, signal: disconnectSignal(reply) });
}

/** `until` ends a stream early: one that stands open with no answer to wait for. */
export async function sendWebResponse(
  reply: FastifyReply,
  response: Response,
  until?: AbortSignal,
): Promise<FastifyReply> {
  reply.code(response.status);
  for (const [name, value] of response.headers) reply.header(name, value);
  const { body } = response;
  if (body === null) return reply.send();
  if (!response.headers.get("content-type")?.startsWith("text/event-stream"))
    return reply.send(await response.text());
  reply.header("x-accel-buffering", "no");
  const stream = new PassThrough();
  // The first byte takes the headers with it: clients wait for those before they call the stream open.
  stream.write(": open\n\n");
  const source = Readable.fromWeb(body as ReadableStream);
  const end = (): void => void stream.end();
  until?.addEventListener("abort", end, { once: true });
  if (until?.aborted) end();
  pipeline(source, stream)
    // The client left, or the stream was ended.
    .catch(() => {})
    .finally(() => until?.removeEventListener("abort", end));
  return reply.send(stream);
}
