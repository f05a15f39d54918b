/** What a tool gave, as the answer to a call of it. */
import { type CallToolResult, isCallToolResult } from "@modelcontextprotocol/server";
import type { ToolFailure } from "../journal.ts";
import { isRecord } from "../json.ts";
import type { Report } from "../runs/record/report-shape.ts";
import { errorAnswer } from "./refusal-answer.ts";

/** `promised`: the client was told of an output schema, and will look for a structure. */
export function valueAnswer(value: unknown, promised: boolean): CallToolResult {
  if (promised && !isRecord(value))
    return errorAnswer({ message: "The tool promised a structure and gave something else.", gave: value });
  const structured = promised ? { structuredContent: value as { [key: string]: unknown } } : {};
  const content = contentOf(value);
  return { content, ...structured };
}

export function failureAnswer({ kind, message, data }: ToolFailure): CallToolResult {
  return errorAnswer({ kind, message, ...(data === undefined ? {} : { data }) });
}

/** Of a program that made one call and gave what it got. */
export function reportAnswer({ status, result, error }: Report, promised: boolean): CallToolResult {
  if (status === "completed") return valueAnswer(result, promised);
  if (error === null) return errorAnswer({ message: `The call ended as ${status}.` });
  const { code, message, tool, effects } = error;
  return errorAnswer({ ...(tool === undefined ? { code } : { kind: tool.kind }), message, effects });
}

/** Blocks of a server, images among them, go on as they came. */
function contentOf(value: unknown): CallToolResult["content"] {
  if (value === null || value === undefined) return [];
  if (isRecord(value) && Object.keys(value).length === 1 && Array.isArray(value["content"])) {
    const blocks = { content: value["content"] };
    if (isCallToolResult(blocks)) return blocks.content;
  }
  return [{ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) }];
}
