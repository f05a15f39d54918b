/**
 * The contract of MCP servers: how one is described, what the hub reports of it, and how it is called. Implemented by
 * `hub.ts` and what it opens; all other code needs only this file.
 */
import type { ToolFailure } from "../journal.ts";
import type { ServerSource, ToolSource } from "../tools/tool-source.ts";

/** How to reach one server. Made by `config.ts` from an `mcpServers` entry, or given in code. */
export type ServerSpec = ServerSpecCommon & (StdioSpec | RemoteSpec | InProcessSpec | LocalSpec);

interface ServerSpecCommon {
  readonly name: string;
  readonly disabled: boolean;
  /** Milliseconds until a start counts as failed. Default 30 000: real servers take 0.3–16 s. */
  readonly startTimeoutMs: number;
  /** Milliseconds for one call; absent: the caller's. */
  readonly timeoutMs?: number;
  /** Whether the server's own `readOnlyHint` and `idempotentHint` count. */
  readonly trustAnnotations: boolean;
  /** `auto` negotiates; a version string pins the MCP revision (saves a stdio server one throw-away start). */
  readonly protocol: string;
}

interface StdioSpec {
  readonly type: "stdio";
  readonly command: string;
  readonly args: readonly string[];
  /** Added to PATH, HOME, LANG and TMPDIR; the gateway's own environment is never passed on. */
  readonly env: { readonly [name: string]: string };
  readonly cwd?: string;
}

interface RemoteSpec {
  /**
   * `http` = streamable HTTP. With `fallbackToSse` a 4xx at the start leads to one attempt by SSE on a fresh client,
   * which is remembered.
   */
  readonly type: "http" | "sse";
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly fallbackToSse: boolean;
}

/** An MCP server object in this process, linked by an in-memory transport pair. */
interface InProcessSpec {
  readonly type: "in-process";
  readonly server: InProcessServer;
}

/** What `McpServer` and `Server` of the official SDKs are. The hub connects it and closes the connection, never more. */
export interface InProcessServer {
  connect(transport: unknown): Promise<void>;
  close(): Promise<void>;
}

/** Tools defined in code: plain functions, no protocol between. */
interface LocalSpec {
  readonly type: "local";
  readonly tools: readonly LocalTool[];
}

export interface LocalTool extends ToolSource {
  /**
   * Gets validated arguments; integers beyond the exact range of numbers are BigInts. Its return value is the result
   * (undefined → null); the message of what it throws is the failure's.
   */
  execute(args: unknown, context: { readonly signal: AbortSignal }): unknown;
}

export type ConnectionState = "connecting" | "ready" | "failed" | "closed" | "disabled";

/** One server as `GET /v1/mcp/servers` shows it: names of headers and env, never values. */
export interface ServerState {
  readonly name: string;
  readonly type: ServerSpec["type"];
  readonly state: ConnectionState;
  readonly protocolVersion: string | null;
  readonly serverInfo: { readonly name: string; readonly version: string } | null;
  readonly tools: number;
  readonly quarantined: readonly { readonly tool: string; readonly reason: string }[];
  readonly lastError: string | null;
  /** Last 4 kB of the child's stderr. */
  readonly stderrTail: string | null;
  /** Milliseconds from start to ready. */
  readonly startedInMs: number | null;
}

/** One server as the hub holds it, whatever its kind. */
export interface ServerConnection extends AsyncDisposable {
  /** Resolves when the first start succeeded or failed; never rejects. */
  readonly settled: Promise<void>;
  state(): ServerState;
  /** The last known tools; undefined until the server was ready once. */
  source(): ServerSource | undefined;
  /** Resolves when its tools are known, or waiting for them is not worthwhile; at the latest when the signal aborts. */
  known(signal: AbortSignal): Promise<void>;
  /** As `Hub.call`, for this server. */
  call(tool: string, args: unknown, options: CallOptions): Promise<CallOutcome>;
}

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: ToolFailure };

export interface CallOptions {
  /**
   * The principal that makes the call. Later, servers with personal sign-in will answer for that principal alone; today
   * one connection serves all principals.
   */
  readonly principal: string;
  readonly signal: AbortSignal;
  /** Milliseconds; expiry gives kind `timeout` and aborts the call at the server. */
  readonly timeoutMs: number;
  /** Milliseconds up to which a server that reports progress extends `timeoutMs`. Default: not at all. */
  readonly maxTimeoutMs?: number;
  /** True when the tool declares an output schema (a JSON-looking text block then stays a string). */
  readonly hasOutputSchema: boolean;
  /** Whether the operator declares the call safe to repeat. Then it is retried when its session is lost. */
  readonly isRepeatable?: boolean;
}

export interface Hub extends AsyncDisposable {
  /** Resolves when every server is ready or failed; never rejects. */
  readonly settled: Promise<void>;
  servers(): readonly ServerState[];
  /** The sources of the catalog: servers that are ready, or once were. */
  sources(): readonly ServerSource[];
  /** Fires after `sources()` changed. Returns the function that stops it. */
  onChange(listener: () => void): () => void;
  /**
   * Calls a tool by exact names. Never rejects. While the server is connecting, or away for a moment, the call waits
   * within its own timeout; a server that is not there gives kind `unavailable`.
   */
  call(server: string, tool: string, args: unknown, options: CallOptions): Promise<CallOutcome>;
  /**
   * Waits for a server that is still connecting. Resolves with undefined once its tools are known, or when there is no
   * such server; with `unavailable` when it failed or the timeout expired. Never rejects.
   */
  whenListed(server: string, options: WaitOptions): Promise<ToolFailure | undefined>;
}

/** How long a wait may last, and what ends it earlier. */
export type WaitOptions = Pick<CallOptions, "signal" | "timeoutMs">;
