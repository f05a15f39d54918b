/**
 * Carries results past the SDK's validation. On a 2026-07-28 connection the SDK parses every result strictly before any
 * schema of ours: one malformed tool would lose the whole list, one unusual content block the whole answer. So between
 * transport and client each result is wrapped in one that is always valid; `readRaw` unwraps it.
 */
import {
  type Client,
  INTERNAL_ERROR,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { parseJson, writeJson } from "../../json.ts";

/** Call once, after `client.connect(transport)`. */
export function passRawResults(
  client: Client,
  transport: Transport,
  options: { readonly copy: boolean; readonly reread: (message: JSONRPCMessage) => JSONRPCMessage },
): void {
  const deliver = transport.onmessage;
  const isModern = client.getProtocolEra() === "modern";
  transport.onmessage = (read, extra) => {
    const message = options.reread(read);
    if (!isJSONRPCResultResponse(message) || (isModern && isForTheSdk(message.result)))
      return deliver?.(message, extra);
    try {
      // An in-memory result is the server's own object, which may hold anything and change later.
      const raw: unknown = options.copy ? parseJson(writeJson(message.result) ?? "null") : message.result;
      deliver?.({ ...message, result: { ...ALWAYS_VALID, structuredContent: raw } }, extra);
    } catch (error) {
      deliver?.(
        { jsonrpc: "2.0", id: message.id, error: { code: INTERNAL_ERROR, message: notJson(error) } },
        extra,
      );
    }
  };
}

function notJson(error: unknown): string {
  return `The result cannot be written as JSON: ${error instanceof Error ? error.message : String(error)}`;
}

/** The result as the server sent it, from what the SDK returned for it. */
export function readRaw(result: { readonly structuredContent?: unknown }): {
  readonly [key: string]: unknown;
} {
  const raw = result.structuredContent;
  return typeof raw === "object" && raw !== null ? { ...raw } : {};
}

/** Satisfies the result schemas of `tools/list` and `tools/call` in every revision. */
const ALWAYS_VALID = {
  resultType: "complete",
  ttlMs: 0,
  cacheScope: "private",
  tools: [],
  content: [],
} as const;

/** Whether the SDK has to handle the result itself: the server asks for input first, or returns a task. */
function isForTheSdk(result: { readonly [key: string]: unknown }): boolean {
  const type = result["resultType"];
  return type !== undefined && type !== "complete";
}
