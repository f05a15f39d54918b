/**
 * The hub: all MCP connections of the gateway, each with its own state, none able to hold up another.
 */
import type { ToolFailure } from "../runs/journal.ts";
import type { ServerSource, ToolSource } from "../tools/catalog.ts";

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
  /** `http` = streamable HTTP; with `fallbackToSse` one 4xx at the start tries SSE on a fresh client, remembered. */
  readonly type: "http" | "sse";
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly fallbackToSse: boolean;
}
/** An MCP server object in this process, linked by an in-memory transport pair. */
interface InProcessSpec {
  readonly type: "in-process";
  readonly server: { connect(transport: unknown): Promise<void>; close(): Promise<void> };
}
/** Tools defined in code: plain functions, no protocol between. */
interface LocalSpec {
  readonly type: "local";
  readonly tools: readonly LocalTool[];
}

export interface LocalTool extends ToolSource {
  /** Gets validated arguments. What it returns is the result (undefined → null); what it throws is the failure's message. */
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

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: ToolFailure };

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Milliseconds; expiry gives kind `timeout` and aborts the call at the server. */
  readonly timeoutMs: number;
  /** True when the tool declares an output schema (a JSON-looking text block then stays a string). */
  readonly hasOutputSchema: boolean;
}

export interface Hub extends AsyncDisposable {
  /** Resolves when every server is ready or failed; never rejects. */
  readonly settled: Promise<void>;
  servers(): readonly ServerState[];
  /** What the catalog is built from: the servers that are, or were, ready. */
  sources(): readonly ServerSource[];
  /** Fires after `sources()` changed. Returns the function that stops it. */
  onChange(listener: () => void): () => void;
  /**
   * Calls a tool by exact names. Never rejects. While the server is still connecting the call waits inside its own
   * timeout; a server that is not there gives kind `unavailable`.
   */
  call(server: string, tool: string, args: unknown, options: CallOptions): Promise<CallOutcome>;
}
