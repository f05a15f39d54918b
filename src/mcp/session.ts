/**
 * One live MCP connection: a client on a transport, from the handshake to its end. It is opened once and never
 * repaired; `connection.ts` opens the next one.
 */

import {
  type Client,
  METHOD_NOT_FOUND,
  ProtocolError,
  SseError,
  type Tool,
} from "@modelcontextprotocol/client";
import { z } from "zod";
import { MAX_TIMER_MS } from "../timers.ts";
import type { ToolSource } from "../tools/tool-source.ts";
import type { CallOutcome } from "./server.ts";
import { listTools, type ToolListing } from "./tool-list.ts";
import { watchTools } from "./watch-tools.ts";
import { classifyCallError, type Trouble } from "./wire/connection-errors.ts";
import { NAMELESS } from "./wire/handshake.ts";
import { passRawResults, readRaw } from "./wire/raw-results.ts";
import { unwrapResult } from "./wire/result.ts";
import type { McpLink, McpSpec } from "./wire/transports.ts";

export interface SessionEvents {
  /** The tools changed, or (not `announced`) may have changed unnoticed. */
  readonly onToolsChanged: (change: { readonly announced: boolean }) => void;
  /** A sign other than a failed call that the session may be lost. */
  readonly onDoubt: (session: McpSession, reason: string) => void;
  /** An error that ends nothing, for the log. */
  readonly onTrouble: (error: Error) => void;
}

export interface McpSession {
  readonly protocolVersion: string | null;
  readonly serverInfo: { readonly name: string; readonly version: string } | null;
  /** Resolves with the reason when the connection is lost or closed. Never rejects. */
  readonly ended: Promise<string>;
  list(signal: AbortSignal): Promise<ToolListing>;
  /** Never rejects. */
  call(
    tool: Pick<ToolSource, "name" | "inputSchema">,
    args: unknown,
    options: AttemptOptions,
  ): Promise<Attempt>;
  /** Ends the session as lost. */
  lose(reason: string): void;
  /** What the child process wrote to stderr, unredacted. */
  stderr(): string | null;
  close(): Promise<void>;
}

export interface AttemptOptions {
  readonly signal: AbortSignal;
  readonly hasOutputSchema: boolean;
  /** The server reports progress on the call. */
  readonly onProgress: () => void;
}

/** One attempt at a call. `trouble`: what kept it from a result; undefined when the server works. */
export interface Attempt {
  readonly outcome: CallOutcome;
  readonly trouble: Trouble | undefined;
}

interface Live {
  /** Connected by `link`. */
  readonly client: Client;
  readonly link: McpLink;
  readonly ended: PromiseWithResolvers<string>;
  readonly events: SessionEvents;
}

/** Takes over a client that has just connected. */
export function createMcpSession(spec: McpSpec, live: Live): McpSession {
  const { client, link, ended, events } = live;
  const { transport } = link;
  const isModern = client.getProtocolEra() === "modern";
  const closing = new AbortController();
  let end: string | undefined;
  const lose = (reason: string): void => {
    end ??= reason;
    ended.resolve(reason);
  };
  passRawResults(client, transport, { copy: spec.type === "in-process", reread: link.reread });
  client.onerror = (error) => {
    // The event source reconnects by itself, to a session that was never initialized.
    if (error instanceof SseError) lose("its event stream broke");
    events.onTrouble(error);
  };
  // Also for servers that send it without having declared it.
  client.setNotificationHandler("notifications/tools/list_changed", () =>
    events.onToolsChanged({ announced: true }),
  );
  if (isModern && client.getServerCapabilities()?.tools?.listChanged === true)
    void watchTools(client, () => events.onToolsChanged({ announced: false }), closing.signal);

  return {
    protocolVersion: client.getNegotiatedProtocolVersion() ?? null,
    serverInfo: readServerInfo(client),
    ended: ended.promise,
    list: (signal) =>
      listTools((cursor) => fetchPage(client, cursor, signal), { trustAnnotations: spec.trustAnnotations }),
    call: async (tool, args, { signal, hasOutputSchema, onProgress }) => {
      try {
        const result = await client.callTool(
          { name: tool.name, arguments: toArguments(args) },
          {
            signal,
            timeout: MAX_TIMER_MS,
            onprogress: onProgress,
            toolDefinition: withoutOutputSchema(tool),
          },
        );
        const outcome = unwrapResult(readRaw(result), { tool: tool.name, hasOutputSchema });
        return { outcome, trouble: undefined };
      } catch (error) {
        const { failure, trouble } = classifyCallError(error, {
          server: spec.name,
          tool: tool.name,
          end: link.exit() ?? end,
          hasSession: transport.sessionId !== undefined,
        });
        return { outcome: { ok: false, failure }, trouble };
      }
    },
    lose,
    stderr: () => link.stderr(),
    close: async () => {
      closing.abort();
      await link.close();
      await client.close();
    },
  };
}

async function fetchPage(
  client: Client,
  cursor: string | number | undefined,
  signal: AbortSignal,
): Promise<{ readonly [key: string]: unknown }> {
  const params = cursor === undefined ? {} : { cursor };
  const options = { signal, timeout: MAX_TIMER_MS };
  try {
    return readRaw(await client.request({ method: "tools/list", params }, anyResult, options));
  } catch (error) {
    // A server may offer only prompts or resources.
    if (error instanceof ProtocolError && error.code === METHOD_NOT_FOUND) return { tools: [] };
    throw error;
  }
}

const anyResult = z.looseObject({ structuredContent: z.unknown() });

/** The bridge has validated the arguments against a schema that requires an object. */
function toArguments(args: unknown): { [name: string]: unknown } {
  return typeof args === "object" && args !== null ? { ...args } : {};
}

/**
 * The SDK needs the input schema to mirror some arguments into headers. With an output schema it would validate
 * results.
 */
function withoutOutputSchema(tool: Pick<ToolSource, "name" | "inputSchema">): Tool {
  return { name: tool.name, inputSchema: { ...Object(tool.inputSchema), type: "object" } };
}

function readServerInfo(client: Client): McpSession["serverInfo"] {
  const info = client.getServerVersion();
  return info === undefined || info.name === NAMELESS ? null : { name: info.name, version: info.version };
}
