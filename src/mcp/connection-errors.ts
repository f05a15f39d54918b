/** What the SDK and its transports throw, as words and kinds that may leave the process: no path, stack or HTTP body. */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, SseError } from "@modelcontextprotocol/client";
import type { ToolFailure } from "../journal.ts";
import { isCutStream } from "./raw-results.ts";
import { failureFromRpcError } from "./result.ts";

/** `lost` is the reason why the whole connection is of no use any more, when it is. */
export interface CallError {
  readonly failure: ToolFailure;
  readonly lost: string | null;
}

/**
 * Sorts what a `tools/call` rejected with. `exit`: how the server's process ended, if it did. `hasSession`: the server
 * keeps a session for this connection.
 */
export function classifyCallError(
  error: unknown,
  call: {
    readonly server: string;
    readonly tool: string;
    readonly exit: string | null;
    readonly hasSession: boolean;
  },
): CallError {
  if (error instanceof ProtocolError)
    return isCutStream(error)
      ? { failure: unavailable(call.server, error.message), lost: null }
      : { failure: failureFromRpcError(error, call.tool), lost: null };
  if (error instanceof SdkError) {
    switch (error.code) {
      case SdkErrorCode.UnsupportedResultType:
        return { failure: ASKS_FOR_INPUT, lost: null };
      case SdkErrorCode.InvalidResult:
        return { failure: NOT_MCP, lost: null };
    }
  }
  const reason = call.exit ?? describeConnectionError(error);
  const failure = unavailable(call.server, reason);
  const status = httpStatusOf(error);
  if (status === undefined) return { failure, lost: reason };
  // A server that restarted answers so to a session it does not know; the SDK does not begin a new one.
  const isSessionLost = call.hasSession && (status === 404 || status === 400);
  return { failure, lost: isSessionLost ? "it no longer knows this session" : null };
}

export function unavailable(server: string, reason: string): ToolFailure {
  return {
    kind: "unavailable",
    message: `The server "${server}" is not available: ${reason.replace(/\.$/, "")}.`,
  };
}

const ASKS_FOR_INPUT: ToolFailure = {
  kind: "unsupported",
  message: "The tool asks for more input or starts a task, which this gateway does not support.",
};
const NOT_MCP: ToolFailure = { kind: "tool", message: "The server's answer is not a valid MCP result." };

/** A clause that completes "the server is not available: …". The caller redacts secrets. */
export function describeConnectionError(error: unknown): string {
  const status = httpStatusOf(error);
  if (status === 401 || status === 403) return `it refused the credentials (HTTP ${status})`;
  if (status !== undefined) return `it answered HTTP ${status}`;
  const code = systemCodeOf(error);
  if (code !== undefined) return `it cannot be reached (${code})`;
  if (error instanceof ProtocolError) return `it answered "${firstLine(error.message)}"`;
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) return CLOSED;
  if (!(error instanceof Error)) return "of an unknown error";
  if (error instanceof SdkError && error.cause instanceof Error) return describeConnectionError(error.cause);
  if (error.message === "fetch failed" && error.cause instanceof Error)
    return `it cannot be reached (${firstLine(error.cause.message)})`;
  return error.message === "Not connected" ? CLOSED : firstLine(error.message);
}

/** The HTTP status that a request or an event stream was refused with. */
export function httpStatusOf(error: unknown): number | undefined {
  if (error instanceof SdkHttpError) return error.status;
  if (error instanceof SseError) return error.code;
  if (!(error instanceof Error)) return undefined;
  // The SSE transport has no typed error for a refused POST.
  const posted = /^Error POSTing to endpoint \(HTTP (\d{3})\)/.exec(error.message);
  return posted === null ? undefined : Number(posted[1]);
}

const CLOSED = "it closed the connection";

/** `ECONNREFUSED` and its like, wherever in the chain of causes fetch put it. Of an SSE error only the text is left. */
function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof SseError) return /fetch failed: .*?\b(E[A-Z_]{3,})\b/.exec(error.message)?.[1];
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof SdkError || !("code" in at) || typeof at.code !== "string") continue;
    if (/^[A-Z][A-Z0-9_]+$/.test(at.code)) return at.code;
  }
  return undefined;
}

function firstLine(message: string): string {
  const line = (message.split("\n", 1)[0] ?? "").replace(/\.$/, "");
  return line.length > 300 ? `${line.slice(0, 300).toWellFormed()}…` : line;
}
