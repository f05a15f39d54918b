/** From a server's specification to a transport that can be connected once. */
import {
  InMemoryTransport,
  type JSONRPCMessage,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { replaceExact, toBigInt } from "../json.ts";
import { createExactAnswers } from "./exact-answers.ts";
import type { ServerSpec } from "./hub.ts";
import { StdioTransport } from "./stdio-transport.ts";

/** Servers that speak MCP. */
export type McpSpec = Exclude<ServerSpec, { type: "local" }>;

export interface Link {
  readonly transport: Transport;
  /** What a child process wrote to stderr last, unredacted; null for other kinds. */
  stderr(): string | null;
  /** A message with all digits of its numbers, for what the transport read of it. */
  reread(message: JSONRPCMessage): JSONRPCMessage;
  /** How the child process ended, or null. */
  exit(): string | null;
  /** Resolves when nothing is left of it: connections closed, the session ended, the process group gone. */
  close(): Promise<void>;
}

/** `onLost` fires when a transport that has no end of its own (HTTP) gives up. `sse`: how to reach a remote server. */
export function createLink(
  spec: McpSpec,
  options: { readonly sse: boolean; readonly onLost: () => void },
): Link {
  switch (spec.type) {
    case "stdio":
      return stdioLink(spec);
    case "http":
    case "sse":
      return options.sse ? sseLink(spec) : httpLink(spec, options.onLost);
    case "in-process":
      return inProcessLink(spec);
  }
}

function stdioLink(spec: Extract<McpSpec, { type: "stdio" }>): Link {
  const transport = new StdioTransport(spec);
  return {
    transport,
    stderr: () => transport.stderrTail,
    reread: asItIs,
    exit: () => transport.exit,
    close: () => transport.close(),
  };
}

function httpLink(spec: Extract<McpSpec, { type: "http" | "sse" }>, onLost: () => void): Link {
  const { fetch, reread } = createExactAnswers();
  const transport = new StreamableHTTPClientTransport(new URL(spec.url), {
    fetch,
    requestInit: { headers: { ...spec.headers } },
    reconnectionOptions: {
      initialReconnectionDelay: 500,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: STREAM_RETRIES + 1,
    },
    // The SDK reopens a broken event stream a few times, then stays silent: the scheduler is where it can be seen.
    reconnectionScheduler: (reconnect, delayMs, attempt) => {
      if (attempt >= STREAM_RETRIES) return onLost();
      const timer = setTimeout(reconnect, delayMs).unref();
      return () => clearTimeout(timer);
    },
  });
  const close = async (): Promise<void> => {
    await within(SESSION_END_MS, transport.terminateSession());
    await transport.close();
  };
  return { transport, stderr: () => null, reread, exit: () => null, close };
}

function sseLink(spec: Extract<McpSpec, { type: "http" | "sse" }>): Link {
  const { fetch, reread } = createExactAnswers();
  const transport = new SSEClientTransport(new URL(spec.url), {
    fetch,
    requestInit: { headers: { ...spec.headers } },
  });
  return { transport, stderr: () => null, reread, exit: () => null, close: () => transport.close() };
}

function inProcessLink(spec: Extract<McpSpec, { type: "in-process" }>): Link {
  const [transport, peer] = InMemoryTransport.createLinkedPair();
  const start = transport.start.bind(transport);
  transport.start = async () => {
    await spec.server.connect(peer);
    await start();
  };
  const send = transport.send.bind(transport);
  // The server gets this very object: an integer that no number can hold is a BigInt there.
  transport.send = (message, options) => send(replaceExact(message, toBigInt) as JSONRPCMessage, options);
  return { transport, stderr: () => null, reread: asItIs, exit: () => null, close: () => transport.close() };
}

/** Of transports that keep all digits. */
function asItIs(message: JSONRPCMessage): JSONRPCMessage {
  return message;
}

const STREAM_RETRIES = 2;
/** How long the end of a session is worth waiting for: the server forgets it anyway. */
const SESSION_END_MS = 500;

/** Waits for `work`, but no longer; its failure is of no interest. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ms);
  await Promise.race([work.catch(() => {}), limit.promise]);
  clearTimeout(timer);
}
