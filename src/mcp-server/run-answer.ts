/**
 * A run as the answer to a tool call: as text, which is written for a model, and the same as structured content, cut
 * alike, as some clients give their model the one and some the other.
 */
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { parseJson } from "../json.ts";
import { RESUME_RUN } from "../offer/meta-tools.ts";
import { describeReport } from "../runs/record/model-report.ts";
import type { PendingCall, Report, ReportUsage } from "../runs/record/report-shape.ts";
import type { Visit } from "./visit.ts";

/** Of the structured content. */
export const runOutputSchema: Tool["outputSchema"] = {
  type: "object",
  properties: {
    status: { type: "string", enum: ["completed", "failed", "cancelled", "waiting"] },
    result: { description: "What the program returned; null unless it completed." },
    error: {
      type: ["object", "null"],
      description:
        "Why it failed, with the line, a hint, and in `effects` whether it may have changed something.",
    },
    logs: { type: "array", items: { type: "string" }, description: "What it printed." },
    pending: {
      type: "array",
      description: "The calls that wait for a person.",
      items: {
        type: "object",
        properties: {
          call: { type: "string" },
          tool: { type: "string" },
          arguments: {},
          reason: { type: "string" },
        },
        required: ["call", "tool", "arguments", "reason"],
      },
    },
    run: { type: "string", description: "The id of the run." },
    usage: {
      type: "object",
      description: "What it took: milliseconds, bytes, and the number of tool calls.",
    },
    notes: { type: "array", items: { type: "string" } },
    left_out: { type: "string", description: "How to get the rest of what is cut here." },
  },
  required: ["status", "result", "error", "logs", "pending", "run", "usage"],
};

interface Described {
  readonly result?: unknown;
  readonly error?: unknown;
  readonly logs?: readonly string[];
  readonly notes?: readonly string[];
  readonly left_out?: string;
}

/** Of a run that has ended. `code`: the program as its author wrote it. `resultTokens`: of the text. */
export function endAnswer(report: Report, code: string, resultTokens: number): CallToolResult {
  const text = describeReport(report, code, resultTokens);
  const { result = null, error = null, logs = [], notes, left_out } = parseJson(text) as Described;
  return {
    content: [{ type: "text", text }],
    structuredContent: {
      status: report.status,
      result,
      error,
      logs,
      pending: [],
      run: report.id,
      usage: usageOf(report.usage),
      ...(notes === undefined ? {} : { notes }),
      ...(left_out === undefined ? {} : { left_out }),
    },
    ...(report.status === "completed" ? {} : { isError: true }),
  };
}

/** Of a run that waits for a person whom the client cannot ask, or who did not decide. `why`: what they said did not do. */
export function waitingAnswer(report: Report, visit: Visit, why?: string): CallToolResult {
  const { id, pending, logs } = report;
  const text = [
    `The run waits for a person. Nothing failed and nothing is lost: it goes on from where it is once this is decided. Do not run the program again.`,
    ...(why === undefined ? [] : [why]),
    `Run: ${id}\nWaiting:\n${pending.map(describePending).join("\n")}`,
    `Tell the person what waits, and with which arguments. ${whereToDecide(report, visit)} Afterwards call ${RESUME_RUN} with {"run": "${id}"}: it answers with the result.`,
  ].join("\n\n");
  return {
    content: [{ type: "text", text }],
    structuredContent: {
      status: report.status,
      result: null,
      error: null,
      logs: logs.map((line) => line.text).slice(-MAX_LOGS),
      pending: pending.map(({ call, tool, arguments: args, reason }) => ({
        call,
        tool,
        arguments: args ?? null,
        reason,
      })),
      run: id,
      usage: usageOf(report.usage),
    },
  };
}

const MAX_LOGS = 50;
const MAX_ARGUMENT_CHARS = 2_000;

function describePending({ call, tool, arguments: args, reason }: PendingCall): string {
  const text = JSON.stringify(args) ?? "{}";
  const shown =
    text.length > MAX_ARGUMENT_CHARS
      ? `${text.slice(0, MAX_ARGUMENT_CHARS).toWellFormed()}… (${text.length} characters)`
      : text;
  return `- ${tool} ${shown} (${call}). ${reason}`;
}

function whereToDecide({ id, pending }: Report, { page, caller }: Visit): string {
  const call = pending[0]?.call ?? "{call}";
  const who = caller.rights.has("decide") ? "They" : "Somebody whose key has the right `decide`";
  if (page !== undefined)
    return `${who} may approve or deny it on the page ${page}, or by POST /v1/runs/${id}/calls/${call} with {"decision": "approve"} or {"decision": "deny"}.`;
  return "This client cannot ask them. They may use a client that supports elicitation, or connect this one to a running gateway (`toolarium mcp --url`), whose page shows what waits.";
}

/** Without what is counted only when it is read: a model does not read it. */
function usageOf({ wallMs, cpuMs, queueMs, compileMs, toolCalls, logBytes, peakHeapBytes }: ReportUsage) {
  return { wallMs, cpuMs, queueMs, compileMs, toolCalls, logBytes, peakHeapBytes };
}
