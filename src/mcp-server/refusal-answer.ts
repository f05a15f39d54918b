/** What the gateway refuses, as the answer to a tool call: a model reads it and can act, as it can on a failed tool. */
import type { CallToolResult } from "@modelcontextprotocol/server";
import { toRefusal } from "../errors.ts";
import type { Log } from "../log.ts";

export function refusalAnswer(error: unknown, log: Log): CallToolResult {
  const { code, message, cause, run } = toRefusal(error);
  if (code === "internal_error")
    log.error({ err: cause ?? error }, "unexpected error while answering a tool call");
  return errorAnswer({ code, message, ...(run === undefined ? {} : { run: run.id }) });
}

export function errorAnswer(error: {
  readonly message: string;
  readonly [field: string]: unknown;
}): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify({ error }) }], isError: true };
}
