/**
 * Turns what the SDK and its transports throw into kinds and messages that may leave the process: no path, stack or
 * HTTP body.
 */

import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, SseError } from "@modelcontextprotocol/client";
import type { ToolFailure } from "../../journal.ts";
import { isRecord } from "../../json.ts";
import { isNoAnswer, isTooLarge, messageIn } from "./read-message.ts";
import { toSentence } from "./reason.ts";
import { failureFromRpcError } from "./result.ts";

/** What kept a call from its result. */
export interface Trouble {
  /**
   * - `refused`: the server answered the call with an error.
   * - `spoilt`: its answer was unusable, or may be about the connection.
   * - `broken`: the connection broke during the call.
   * - `unsent`: the call never reached the server.
   * - `unknown-session`: the server no longer knows the session, and did nothing.
   * - `ended`: the whole connection ended during the call.
   */
  readonly kind: "refused" | "spoilt" | "broken" | "unsent" | "unknown-session" | "ended";
  /** A clause that completes "the server is not available: …". */
  readonly reason: string;
}

export interface CallError {
  readonly failure: ToolFailure;
  /** Undefined when the server works. */
  readonly trouble: Trouble | undefined;
}

/**
 * Classifies the error that a `tools/call` rejected with. `end`: how the connection ended, if it did. `hasSession`: the
 * server keeps a session for this connection.
 */
export function classifyCallError(
  error: unknown,
  call: {
    readonly server: string;
    readonly tool: string;
    readonly end: string | undefined;
    readonly hasSession: boolean;
  },
): CallError {
  if (error instanceof SdkError && error.code === SdkErrorCode.UnsupportedResultType)
    return { failure: ASKS_FOR_INPUT, trouble: undefined };
  if (error instanceof ProtocolError && isTooLarge(error))
    return { failure: { kind: "too_large", message: error.message }, trouble: undefined };
  const said = error instanceof ProtocolError && !isNoAnswer(error) ? error : errorInBody(error);
  const answer = said === undefined ? undefined : failureFromRpcError(said, call.tool);
  // The server works; the call is wrong.
  if (answer !== undefined && answer.kind !== "tool") return { failure: answer, trouble: undefined };
  const kind = troubleOf(error, call.hasSession);
  const reason = (kind === "ended" ? call.end : undefined) ?? describeConnectionError(error);
  const isAnswer = answer !== undefined && error instanceof ProtocolError;
  return { failure: isAnswer ? answer : unavailable(call.server, reason), trouble: { kind, reason } };
}

/** The same request to the same address would fail over any transport. */
export function isRefusedForGood(error: unknown): boolean {
  const status = httpStatusOf(error);
  if (status !== undefined) return REFUSES_CREDENTIALS.includes(status) || (status >= 300 && status < 400);
  return !["broken", "spoilt", "refused"].includes(troubleOf(error, false));
}

/** Whether a server that could not be started may be there in a moment. */
export function isPassing(error: unknown): boolean {
  const status = httpStatusOf(error);
  if (status !== undefined) return status >= 500 || status === 408 || status === 429;
  const code = systemCodeOf(error);
  return code !== undefined && (UNREACHED.includes(code) || BROKEN.includes(code));
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

/** A clause that completes "the server is not available: …". The caller redacts secrets. */
export function describeConnectionError(error: unknown): string {
  const status = httpStatusOf(error);
  if (status !== undefined) return describeStatus(status, errorInBody(error)?.message);
  const code = systemCodeOf(error);
  if (code !== undefined) return `it cannot be reached (${code})`;
  if (error instanceof ProtocolError)
    return isNoAnswer(error) ? error.message : `it answered "${toSentence(error.message)}"`;
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) return CLOSED;
  if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)
    return "its answer is not a valid MCP result";
  if (!(error instanceof Error)) return "of an unknown error";
  if (error instanceof SdkError && error.cause instanceof Error) return describeConnectionError(error.cause);
  if (error.message === "fetch failed" && error.cause instanceof Error)
    return `it cannot be reached (${toSentence(error.cause.message)})`;
  return error.message === "Not connected" ? CLOSED : toSentence(error.message);
}

/** The HTTP status that a request or an event stream was refused with. */
export function httpStatusOf(error: unknown): number | undefined {
  if (error instanceof SdkHttpError) return error.status;
  if (error instanceof SseError) return error.code;
  if (!(error instanceof Error)) return undefined;
  // The SDK's SSE transport has no typed error for a refused POST.
  const posted = SSE_POST_REFUSED.exec(error.message);
  return posted === null ? undefined : Number(posted[1]);
}

/** Thrown by a transport when no part of a message was sent. */
export class NotSentError extends Error {}

const CLOSED = "it closed the connection";
const SSE_POST_REFUSED = /^Error POSTing to endpoint \(HTTP (\d{3})\): ([\s\S]*)$/;
const REFUSES_CREDENTIALS: readonly number[] = [401, 403, 407];
/** Some servers report a lost session by a JSON-RPC error with HTTP 200. */
const SPEAKS_OF_SESSIONS = /\bsession\b|\b(?:not|un)[ -]?initiali[sz]ed\b/i;
/** No connection was made. */
const UNREACHED: readonly string[] = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];
const BROKEN: readonly string[] = ["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"];

function troubleOf(error: unknown, hasSession: boolean): Trouble["kind"] {
  if (error instanceof ProtocolError)
    return isNoAnswer(error) || SPEAKS_OF_SESSIONS.test(error.message) ? "spoilt" : "refused";
  if (error instanceof NotSentError) return "unsent";
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) return "ended";
  const status = httpStatusOf(error);
  // A restarted server answers this way to a session that it does not know. The SDK does not open a new one.
  if (status !== undefined)
    return hasSession && (status === 404 || status === 410) ? "unknown-session" : "spoilt";
  const code = systemCodeOf(error);
  if (code !== undefined) return UNREACHED.includes(code) ? "unsent" : "broken";
  if (error instanceof Error && error.message === "Not connected") return "unsent";
  return error instanceof TypeError ? "broken" : "spoilt";
}

function describeStatus(status: number, said: string | undefined): string {
  const credentials = REFUSES_CREDENTIALS.includes(status);
  const what = credentials ? `it refused the credentials (HTTP ${status})` : `it answered HTTP ${status}`;
  if (status >= 300 && status < 400) return `it redirects to another address (HTTP ${status})`;
  return said === undefined ? what : `${what}: ${toSentence(said)}`;
}

/** The error in the body of a refusal, when that is JSON with one. `code` is 0 when it is not a JSON-RPC error. */
function errorInBody(error: unknown): { readonly code: number; readonly message: string } | undefined {
  const text =
    error instanceof SdkHttpError
      ? error.data["text"]
      : error instanceof Error
        ? SSE_POST_REFUSED.exec(error.message)?.[2]
        : undefined;
  if (typeof text !== "string" || !/^\s*\{/.test(text)) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    const message = messageIn(body);
    if (message === undefined || !isRecord(body)) return undefined;
    const code = isRecord(body["error"]) ? body["error"]["code"] : undefined;
    return { code: typeof code === "number" ? code : 0, message };
  } catch {
    return undefined;
  }
}

/** `ECONNREFUSED` and the like, wherever fetch put it in the chain of causes. An SSE error has only the text. */
function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof SseError) return /fetch failed: .*?\b(E[A-Z_]{3,})\b/.exec(error.message)?.[1];
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof SdkError || !("code" in at) || typeof at.code !== "string") continue;
    if (/^[A-Z][A-Z0-9_]+$/.test(at.code)) return at.code;
  }
  return undefined;
}
