/**
 * Turns JSON-RPC messages, as servers really write them, into ones that the SDK accepts. The SDK silently drops what
 * its schemas refuse, so that a call whose answer has a null too many would wait for its timeout. Here a message with a
 * plain meaning is repaired, and an answer without one becomes an error that says what is wrong.
 */

import { randomUUID } from "node:crypto";
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/client";
import { isRecord } from "../../json.ts";

export type Incoming =
  /** A request or a notification. */
  | { readonly type: "message"; readonly message: JSONRPCMessage }
  /** `id`: of the request that it answers; undefined when the server gives none. */
  | { readonly type: "answer"; readonly id: RequestId | undefined; readonly body: AnswerBody }
  /** Not JSON-RPC. */
  | { readonly type: "junk" };

export type AnswerBody =
  | { readonly result: Fields }
  | { readonly error: JSONRPCErrorResponse["error"] }
  /** What is wrong with it, as a clause about the server. */
  | { readonly unusable: string }
  /** Why it was not read to its end, as a sentence. */
  | { readonly tooLarge: string };

export interface Fields {
  readonly [key: string]: unknown;
}

export function readMessage(raw: unknown): Incoming {
  if (!isRecord(raw)) return { type: "junk" };
  if (typeof raw["method"] === "string") return readOther(raw, raw["method"]);
  if (!("result" in raw) && !("error" in raw) && idOf(raw) === undefined) return { type: "junk" };
  return { type: "answer", id: idOf(raw), body: readBody(raw) };
}

/**
 * Makes the message that the SDK gets for an answer. One that the SDK would still refuse becomes an unusable answer.
 */
export function toResponse(id: RequestId, body: AnswerBody): JSONRPCMessage {
  if ("unusable" in body) return noAnswer(id, body.unusable);
  if ("tooLarge" in body)
    return { jsonrpc: "2.0", id, error: { code: NO_ANSWER_CODE, message: body.tooLarge, data: TOO_LARGE } };
  const message: unknown = { jsonrpc: "2.0", id, ...body };
  if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) return message;
  if ("result" in body && "_meta" in body.result) {
    const { _meta: _, ...result } = body.result;
    return toResponse(id, { result });
  }
  return noAnswer(id, "its answer is not a JSON-RPC response");
}

/** Replaces an answer that makes no sense or never came. */
export function noAnswer(id: RequestId, reason: string): JSONRPCErrorResponse {
  return { jsonrpc: "2.0", id, error: { code: NO_ANSWER_CODE, message: reason, data: NO_ANSWER } };
}

/** Whether an error was made by `noAnswer`: its message is then ours, a clause about the server. */
export function isNoAnswer(error: { readonly data?: unknown }): boolean {
  return error.data === NO_ANSWER;
}

/** Whether an error replaces an answer that was too large: its message is ours, a sentence. */
export function isTooLarge(error: { readonly data?: unknown }): boolean {
  return error.data === TOO_LARGE;
}

/** The message in an error object, whatever its shape; undefined when there is none. */
export function messageIn(error: unknown, levels = 3): string | undefined {
  if (typeof error === "string") return error.trim() === "" ? undefined : error;
  if (!isRecord(error) || levels === 0) return undefined;
  for (const key of ["message", "error_description", "detail", "reason", "title", "error", "data"]) {
    const found = messageIn(error[key], levels - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Random, so that no server can send it. */
const NO_ANSWER: string = randomUUID();
const TOO_LARGE: string = randomUUID();
/** JSON-RPC leaves this code to implementations. */
const NO_ANSWER_CODE = -32_000;

function readOther(raw: Fields, method: string): Incoming {
  const { id: _id, params, ...rest } = raw;
  const id = idOf(raw);
  const message: unknown = {
    ...rest,
    jsonrpc: "2.0",
    method,
    ...(id === undefined ? {} : { id }),
    ...(isRecord(params) ? { params: readParams(method, params) } : {}),
  };
  return isJSONRPCRequest(message) || isJSONRPCNotification(message)
    ? { type: "message", message }
    : { type: "junk" };
}

function readParams(method: string, params: Fields): Fields {
  const known = withoutBadMeta(params);
  if (method !== "notifications/progress") return known;
  // Its only meaning is that the call is under way.
  const { progress, total, message, ...rest } = known;
  return {
    ...rest,
    progress: typeof progress === "number" ? progress : 0,
    ...(typeof total === "number" ? { total } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}

function readBody({ result, error }: Fields): AnswerBody {
  const hasResult = result !== undefined && result !== null;
  if (error !== undefined && error !== null && (!hasResult || saysSomething(error)))
    return { error: readError(error) };
  if (isRecord(result)) return { result: withoutBadMeta(result) };
  // The work is done and there is nothing to return.
  if (result === null) return { result: {} };
  return result === undefined
    ? { unusable: "its answer holds neither a result nor an error" }
    : { unusable: `its answer is not an MCP result: an object was expected, ${kindOf(result)} came` };
}

/** Some servers send an empty error beside each result. */
function saysSomething(error: unknown): boolean {
  if (!isRecord(error)) return messageIn(error) !== undefined;
  const { code } = error;
  return messageIn(error) !== undefined || (code !== undefined && code !== null && code !== 0);
}

function readError(error: unknown): JSONRPCErrorResponse["error"] {
  const { code, data } = isRecord(error) ? error : {};
  return {
    code: Number.isSafeInteger(Number(code ?? undefined)) ? Number(code) : NO_ANSWER_CODE,
    message: messageIn(error) ?? "the server reports an error without saying which",
    ...(data === undefined || data === null ? {} : { data }),
  };
}

/** `_meta` is for protocols, not for values: one that is not an object is dropped. */
function withoutBadMeta(fields: Fields): Fields {
  if (!("_meta" in fields) || isRecord(fields["_meta"])) return fields;
  const { _meta: _, ...rest } = fields;
  return rest;
}

function idOf({ id }: Fields): RequestId | undefined {
  return typeof id === "string" || Number.isSafeInteger(id) ? (id as RequestId) : undefined;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
