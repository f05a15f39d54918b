/**
 * `fetch` for the SDK's HTTP transports. It reads every answer first: an unusable answer ends its call at once with the
 * reason, whatever its status and type, and an answer with a plain meaning is turned into one that the transports
 * accept.
 */
import {
  type FetchLike,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/client";
import { mayLoseDigits } from "../../json.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { rewriteEvents, type ServerEvent } from "./event-lines.ts";
import { gatherBytes } from "./gathered-bytes.ts";
import { createMeter, type MessageBounds } from "./message-bounds.ts";
import { noAnswer } from "./read-message.ts";
import { keepStream, type StreamEvents } from "./standing-stream.ts";

export interface ReadingFetch {
  readonly fetch: FetchLike;
  /** The message with all digits of its numbers, for one that the SDK parsed from our text. */
  readonly reread: (message: JSONRPCMessage) => JSONRPCMessage;
}

export interface FetchReading {
  readonly reader: AnswerReader;
  /** An SSE server answered a POST with its first event. */
  readonly onEndpoint: () => void;
  readonly stream: StreamEvents;
  readonly bounds: MessageBounds;
}

/** For streamable HTTP: the answer to a request is the body of its POST. */
export function createReadingFetch({ reader, onEndpoint, stream, bounds }: FetchReading): ReadingFetch {
  const { write, reread } = createWriter();
  const readEvent = (event: ServerEvent, request: RequestId | undefined): readonly ServerEvent[] => {
    if (event.name === "endpoint" && request !== undefined && reader.isOpen(request)) {
      onEndpoint();
      return [toEvent(JSON.stringify(fail(reader, request, "it speaks the older SSE transport")))];
    }
    if (event.name !== "" && event.name !== "message") return [];
    return write(reader.read(event.data, request), event.data).map(toEvent);
  };

  const rewritten = (
    body: ReadableStream<Uint8Array>,
    request: RequestId | undefined,
  ): ReadableStream<Uint8Array> =>
    rewriteEvents(body, {
      rewrite: (event) => readEvent(event, request),
      refuse: (beginning, reason) => refuseEvent(reader, beginning, reason, request),
      bounds,
    });

  const readPost = async (response: Response, request: RequestId): Promise<Response> => {
    const { status, body } = response;
    if (body !== null && typeOf(response) === "text/event-stream" && status !== 202)
      return withBody(response, rewritten(body, request), EVENTS);
    let text: string;
    try {
      text = await readText(response, bounds);
    } catch (error) {
      if (!reader.isOpen(request)) throw error;
      if (error instanceof RangeError)
        return withBody(
          response,
          write(reader.refuse({ head: "" }, error.message, request), "").join(),
          JSON_TYPE,
        );
      return asJson(response, fail(reader, request, "the connection broke in the middle of the answer"));
    }
    if (/^(?:event|data|id|retry|):/.test(text)) {
      return withBody(response, rewritten(new Blob([text]).stream(), request), EVENTS);
    }
    const messages = reader.read(text, request);
    if (messages.length === 0 && reader.isOpen(request))
      return asJson(response, fail(reader, request, describeUnusable(text, response)));
    return withBody(response, `[${write(messages, text).join(",")}]`, JSON_TYPE);
  };

  /** Keeps the stream for unsolicited messages. A resumed stream belongs to one request, and is left to the SDK. */
  const keep = (url: string | URL, init: RequestInit | undefined): Promise<Response> =>
    keepStream({
      open: (lastEventId) => {
        const headers = new Headers(init?.headers);
        if (lastEventId !== undefined) headers.set("last-event-id", lastEventId);
        return fetch(url, { ...init, headers });
      },
      read: (body, onId) =>
        rewriteEvents(body, {
          rewrite: (event) => {
            if (event.id !== undefined) onId(event.id);
            return readEvent(event, undefined);
          },
          refuse: (beginning, reason) => refuseEvent(reader, beginning, reason),
          bounds,
        }),
      signal: init?.signal ?? undefined,
      events: stream,
    });

  const readingFetch: FetchLike = async (url, init) => {
    const isGet = init?.method === undefined || init.method === "GET";
    if (isGet && !new Headers(init?.headers).has("last-event-id")) return keep(url, init);
    const response = await fetch(url, init);
    if (init?.method === "POST") {
      const message: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
      if (isJSONRPCRequest(message)) return response.ok ? readPost(response, message.id) : cutShort(response);
      return isAboutInitialized(message) ? takeNotice(response) : response;
    }
    if (!response.ok || !isChannel(response)) return cutShort(response);
    return withBody(response, rewritten(response.body, undefined), EVENTS);
  };
  return { fetch: readingFetch, reread };
}

/** For the older SSE transport: all answers arrive on one stream. */
export function createSseReadingFetch(reader: AnswerReader, bounds: MessageBounds): ReadingFetch {
  const { write, reread } = createWriter();
  const readEvent = (event: ServerEvent): readonly ServerEvent[] => {
    const { name, data } = event;
    return name === "" || name === "message" ? write(reader.read(data), data).map(toEvent) : [event];
  };
  const readingFetch: FetchLike = async (url, init) => {
    const response = await fetch(url, init);
    if (init?.method === "POST" || !response.ok || !isChannel(response)) return cutShort(response);
    const refuse = (beginning: string, reason: string): readonly ServerEvent[] =>
      refuseEvent(reader, beginning, reason);
    return withBody(response, rewriteEvents(response.body, { rewrite: readEvent, refuse, bounds }), EVENTS);
  };
  return { fetch: readingFetch, reread };
}

function toEvent(data: string): ServerEvent {
  return { name: "", data };
}

interface Writer extends Pick<ReadingFetch, "reread"> {
  /** `source`: the text from which the messages were read. */
  write(messages: readonly JSONRPCMessage[], source: string): readonly string[];
}

/**
 * The SDK parses with `JSON.parse`, which loses digits of long numbers, and a large answer would be held three times:
 * as text, as bytes and as a value. Such answers wait here, and the SDK reads a small stand-in until it passes that on.
 */
function createWriter(): Writer {
  const answers = new Map<unknown, JSONRPCMessage>();
  /** False until the handshake is over: the SDK itself reads the messages before that. */
  let isReread = false;
  return {
    write: (messages, source) => {
      const waits = source.length > LARGE_CHARS || mayLoseDigits(source);
      return messages.map((message) => {
        if (!waits || !("id" in message) || "method" in message) return JSON.stringify(message);
        answers.set(message.id, message);
        const isShort = isReread && "result" in message;
        return JSON.stringify(isShort ? { jsonrpc: "2.0", id: message.id, result: {} } : message);
      });
    },
    reread: (message) => {
      isReread = true;
      if (!("id" in message) || "method" in message) return message;
      const answer = answers.get(message.id);
      answers.delete(message.id);
      return answer ?? message;
    },
  };
}

const LARGE_CHARS = 65_536;

/** Any content type but HTML and JSON counts as a stream, also a missing one. */
function isChannel(response: Response): response is Response & { readonly body: ReadableStream<Uint8Array> } {
  const type = typeOf(response);
  return response.body !== null && type !== "text/html" && !type.endsWith("json");
}

function refuseEvent(
  reader: AnswerReader,
  beginning: string,
  reason: string,
  request?: RequestId,
): readonly ServerEvent[] {
  const head = /^(?:\w+:.*[\r\n]+)*?data: ?/.exec(beginning)?.[0] ?? "";
  const messages = reader.refuse({ head: beginning.slice(head.length) }, reason, request);
  return messages.map((message) => toEvent(JSON.stringify(message)));
}

/** For bodies that the SDK reads only for their words, mostly refusals. Only the beginning is of use. */
function cutShort(response: Response): Response {
  const { body, status, statusText, headers } = response;
  if (body === null) return response;
  let left = REFUSAL_BYTES;
  const beginning = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.terminate();
    },
  });
  return new Response(body.pipeThrough(beginning), { status, statusText, headers });
}

const REFUSAL_BYTES = 65_536;

function isAboutInitialized(message: unknown): boolean {
  return Object(message).method === "notifications/initialized";
}

/** Some servers refuse or answer the notification that a client is ready, and work all the same. */
async function takeNotice(response: Response): Promise<Response> {
  if (response.status >= 300 && response.status < 400) return response;
  if ([401, 403, 407].includes(response.status)) return response;
  await response.body?.cancel().catch(() => {});
  return new Response(null, { status: 202 });
}

function fail(reader: AnswerReader, request: RequestId, reason: string): object {
  reader.forget(request);
  return noAnswer(request, reason);
}

/** Why the answer is unusable, as a clause about the server. */
function describeUnusable(text: string, response: Response): string {
  if (text.trim() === "")
    return response.status === 200
      ? "it answered with an empty body"
      : `it answered HTTP ${response.status} and no result`;
  if (/^\s*<(?:!doctype html|html|head|body|\?xml)/i.test(text)) return "it answered with a web page";
  return "its answer is not a JSON-RPC message";
}

/** @throws RangeError with a sentence when it is too large; the rest is not read */
async function readText(response: Response, bounds: MessageBounds): Promise<string> {
  if (response.body === null) return "";
  const meter = createMeter(bounds);
  const bytes = gatherBytes();
  try {
    for await (const chunk of response.body) {
      const reason = meter.add(chunk.length);
      if (reason !== undefined) throw new RangeError(reason);
      bytes.add(chunk);
    }
    return new TextDecoder().decode(bytes.take());
  } finally {
    meter.reset();
  }
}

function asJson(response: Response, body: object): Response {
  return withBody(response, JSON.stringify(body), JSON_TYPE);
}

function withBody(response: Response, body: ReadableStream<Uint8Array> | string, type: string): Response {
  const headers = new Headers({ "content-type": type });
  const session = response.headers.get("mcp-session-id");
  if (session !== null) headers.set("mcp-session-id", session);
  return new Response(body, { status: 200, headers });
}

function typeOf(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

const EVENTS = "text/event-stream";
const JSON_TYPE = "application/json";
