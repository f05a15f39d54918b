/**
 * What a tool answered, as a program sees it. Servers report the same failure as `isError` text or as a JSON-RPC error,
 * with or without the SDK's prefix; here all of them become one `ToolFailure`.
 */
import type { ToolFailure } from "../../journal.ts";
import { parseJson, replaceExact } from "../../json.ts";
import type { CallOutcome } from "../server.ts";

/**
 * The value of an MCP tool result: `structuredContent` when present; one text block that is a JSON object or array,
 * parsed, unless the tool declares an output schema; other single text as a string; `null` when empty; anything else as
 * `{ content }`. `isError` becomes a failure. Structured content and text are never merged.
 */
export function unwrapResult(
  result: { readonly [key: string]: unknown },
  call: { readonly tool: string; readonly hasOutputSchema: boolean },
): CallOutcome {
  const { structuredContent } = result;
  const content = blocksOf(result["content"]);
  if (result["isError"] === true)
    return { ok: false, failure: failureFromText(textOf(content), call.tool, structuredContent) };
  // Some servers write an absent structuredContent as null.
  if (structuredContent !== undefined && structuredContent !== null)
    return { ok: true, value: structuredContent };
  if (content.length === 0) return { ok: true, value: null };
  const text = content.length === 1 ? textOfBlock(content[0]) : undefined;
  if (text === undefined) return { ok: true, value: { content } };
  return { ok: true, value: call.hasOutputSchema ? text : parseIfStructured(text) };
}

/** Some servers write a text instead of a list of blocks, or one block without a list. */
function blocksOf(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  if (content === undefined || content === null) return [];
  return [typeof content === "object" ? content : { type: "text", text: String(content) }];
}

/** A JSON-RPC error that a server sent in answer to `tools/call`. */
export function failureFromRpcError(
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
  tool: string,
): ToolFailure {
  const message = stripPrefix(error.message);
  const data = error.data === undefined ? {} : { data: withDigitsAsText(error.data) };
  switch (error.code) {
    case INVALID_PARAMS:
      return { kind: kindOfInvalidParams(message, tool), message: cut(message), ...data };
    case URL_ELICITATION_REQUIRED:
    case MISSING_CLIENT_CAPABILITY:
      return { kind: "unsupported", message: cut(message), ...data };
    default:
      return { kind: "tool", message: cut(message), ...data };
  }
}

function failureFromText(text: string, tool: string, structured: unknown): ToolFailure {
  const message = cut(stripPrefix(text) || "The tool reported a failure without saying why.");
  const data = structured === undefined || structured === null ? {} : { data: withDigitsAsText(structured) };
  const kind = text.startsWith(`MCP error ${INVALID_PARAMS}:`)
    ? kindOfInvalidParams(message, tool)
    : isAboutMissingTool(message, tool)
      ? "unknown_tool"
      : "tool";
  return { kind, message, ...data };
}

/** The SDKs use this code for three things; only their messages tell them apart. */
function kindOfInvalidParams(message: string, tool: string): ToolFailure["kind"] {
  if (isAboutMissingTool(message, tool)) return "unknown_tool";
  return /^output validation error/i.test(message) ? "tool" : "invalid_arguments";
}

/** True only when the whole message says so of exactly this tool: "not found" may refer to the tool's own subject. */
function isAboutMissingTool(message: string, tool: string): boolean {
  const said = message.trim().replace(/\.$/, "").replaceAll(/["'`]/g, "").toLowerCase();
  const name = tool.replaceAll(/["'`]/g, "").toLowerCase();
  return (
    said === `tool ${name} not found` || said === `unknown tool: ${name}` || said === `unknown tool ${name}`
  );
}

/** A failure's data goes to programs and between threads, where only digits as text stay exact. */
function withDigitsAsText(data: unknown): unknown {
  return replaceExact(data, ({ rawJSON }) => rawJSON);
}

/** SDK servers prefix the message with `MCP error -32602: `, once for each layer it passed. */
function stripPrefix(message: string): string {
  return message.replace(/^(?:MCP error -?\d+: )+/, "");
}

function textOf(content: readonly unknown[]): string {
  return content
    .map(textOfBlock)
    .filter((text) => text !== undefined)
    .join("\n");
}

function textOfBlock(block: unknown): string | undefined {
  if (typeof block !== "object" || block === null) return undefined;
  if (!("type" in block) || block.type !== "text" || !("text" in block)) return undefined;
  return typeof block.text === "string" ? block.text : undefined;
}

function parseIfStructured(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** A model reads a failure's message and the journal keeps it: a megabyte of it helps nobody. */
function cut(message: string): string {
  if (message.length <= MAX_MESSAGE_CHARS) return message;
  return `${message.slice(0, MAX_MESSAGE_CHARS).toWellFormed()}… (${message.length} characters)`;
}

const MAX_MESSAGE_CHARS = 8_192;

const INVALID_PARAMS = -32602;
const URL_ELICITATION_REQUIRED = -32042;
const MISSING_CLIENT_CAPABILITY = -32021;
