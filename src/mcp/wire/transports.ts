/** From a server's specification to a transport that can be connected once. */
import {
  InMemoryTransport,
  type JSONRPCMessage,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { replaceExact, toBigInt } from "../../json.ts";
import type { ServerSpec } from "../server.ts";
import { type AnswerReader, createAnswerReader } from "./answer-reader.ts";
import type { MessageBounds } from "./message-bounds.ts";
import { createPauses } from "./pauses.ts";
import { createReadingFetch, createSseReadingFetch } from "./reading-fetch.ts";
import { answerEveryRequest } from "./requests.ts";
import type { StreamEvents } from "./standing-stream.ts";
import { StdioTransport } from "./stdio-transport.ts";

/** Servers that speak MCP. */
export type McpSpec = Exclude<ServerSpec, { type: "local" }>;

type RemoteSpec = Extract<McpSpec, { type: "http" | "sse" }>;

export interface McpLink {
  readonly transport: Transport;
  /** The last stderr output of a child process, unredacted; null for other kinds. */
  stderr(): string | null;
  /** A message with all digits of its numbers, for one that the transport parsed. */
  reread(message: JSONRPCMessage): JSONRPCMessage;
  /** How the child process ended, or null. */
  exit(): string | null;
  /** Whether a process was started at all. */
  hasRun(): boolean;
  /** Whether a server that was addressed by streamable HTTP turned out to use the older SSE transport. */
  speaksSse(): boolean;
  /** Resolves when everything is closed: connections, the session, the process group. */
  close(): Promise<void>;
}

/** `sse`: how to reach a remote server. `stream`: settings of an HTTP server's stream for unsolicited messages. */
export function createLink(
  spec: McpSpec,
  options: { readonly sse: boolean; readonly stream: StreamEvents; readonly bounds: MessageBounds },
): McpLink {
  const reader = createAnswerReader();
  const link = open(spec, reader, options);
  answerEveryRequest(link.transport, reader, { asksForLife: spec.type === "stdio" });
  return link;
}

function open(spec: McpSpec, reader: AnswerReader, options: Parameters<typeof createLink>[1]): McpLink {
  switch (spec.type) {
    case "stdio":
      return stdioLink(spec, reader, options.bounds);
    case "http":
    case "sse":
      return options.sse ? sseLink(spec, reader, options.bounds) : httpLink(spec, reader, options);
    case "in-process":
      return inProcessLink(spec, reader);
  }
}

function stdioLink(
  spec: Extract<McpSpec, { type: "stdio" }>,
  { read, refuse }: AnswerReader,
  bounds: MessageBounds,
): McpLink {
  const transport = new StdioTransport(spec, { read, refuse, bounds });
  return {
    ...plain,
    transport,
    stderr: () => transport.stderrTail,
    exit: () => transport.exit,
    hasRun: () => transport.pid !== null,
    close: () => transport.close(),
  };
}

function httpLink(
  spec: RemoteSpec,
  reader: AnswerReader,
  { stream, bounds }: Parameters<typeof createLink>[1],
): McpLink {
  let speaksSse = false;
  const onEndpoint = (): void => {
    speaksSse = true;
  };
  const { fetch, reread } = createReadingFetch({ reader, onEndpoint, stream, bounds });
  const pauses = createPauses(RESUME_MS);
  const transport = new StreamableHTTPClientTransport(new URL(spec.url), {
    fetch,
    requestInit: { headers: { ...spec.headers } },
    reconnectionOptions: {
      initialReconnectionDelay: RESUME_MS.first,
      maxReconnectionDelay: RESUME_MS.max,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 3,
    },
    // For the streams of calls. The SDK counts a stream that ends at once as a success each time.
    reconnectionScheduler: (reconnect, delayMs) => {
      const timer = setTimeout(reconnect, Math.max(Math.min(delayMs, RESUME_MS.max), pauses.next())).unref();
      return () => clearTimeout(timer);
    },
  });
  const close = async (): Promise<void> => {
    await within(SESSION_END_MS, transport.terminateSession());
    await transport.close();
  };
  return { ...plain, transport, reread, speaksSse: () => speaksSse, close };
}

function sseLink(spec: RemoteSpec, reader: AnswerReader, bounds: MessageBounds): McpLink {
  const { fetch, reread } = createSseReadingFetch(reader, bounds);
  const transport = new SSEClientTransport(new URL(spec.url), {
    fetch,
    requestInit: { headers: { ...spec.headers } },
  });
  return { ...plain, transport, reread, close: () => transport.close() };
}

function inProcessLink(spec: Extract<McpSpec, { type: "in-process" }>, reader: AnswerReader): McpLink {
  const [transport, peer] = InMemoryTransport.createLinkedPair();
  const sendBack = peer.send.bind(peer);
  peer.send = async (message, options) => {
    for (const tidy of reader.readValue(message)) await sendBack(tidy, options);
  };
  const start = transport.start.bind(transport);
  transport.start = async () => {
    await spec.server.connect(peer);
    await start();
  };
  const send = transport.send.bind(transport);
  // The server gets this very object, in which an integer beyond the exact range of numbers is a BigInt.
  transport.send = (message, options) => send(replaceExact(message, toBigInt) as JSONRPCMessage, options);
  return { ...plain, transport, close: () => transport.close() };
}

/** The answers that fit most kinds of links. */
const plain = {
  stderr: () => null,
  exit: () => null,
  hasRun: () => false,
  speaksSse: () => false,
  // For transports that keep all digits.
  reread: (message: JSONRPCMessage) => message,
};

const RESUME_MS = { first: 500, max: 60_000 };
/** Milliseconds to wait for the end of a session: the server forgets it anyway. */
const SESSION_END_MS = 500;

/** Waits for `work` at most this long, and ignores its failure. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ms);
  await Promise.race([work.catch(() => {}), limit.promise]);
  clearTimeout(timer);
}
