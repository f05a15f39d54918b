/** The report of a run: what `POST /v1/sandbox/runs` answers and `sandbox.run()` resolves with. */

import type { Diagnostic } from "../../code/compile.ts";
import { withoutResultNotes } from "../../code/diagnostics.ts";
import type { RunStatus, RunUsage, RunWarning } from "../../journal.ts";
import {
  type CallRecord,
  callDecision,
  callDurationMs,
  callStatus,
  readJson,
  toPendingCall,
} from "./calls.ts";
import { notesOnResults } from "./guest-values.ts";
import { markText } from "./media-marks.ts";
import { countReceipt } from "./receipt.ts";
import type { Report, ReportCall, ReportHead, ReportUsage, TokenReceipt } from "./report-shape.ts";
import type { RunState } from "./run-state.ts";

export type { Diagnostic, RunStatus };
/**
 * The report as it stands in this state. Until the run ends, `usage`
 * holds what the journal can tell (clock, queue, calls, logs) and 0 for the rest.
 */
export function deriveReport(head: ReportHead, state: RunState): Report {
  const calls = state.calls.filter(({ inText }) => !inText);
  const { end } = state;
  const settlements = [...state.settlements];
  const report: Omit<Report, "usage"> = {
    id: head.id,
    object: "sandbox.run",
    status: state.status,
    result: end?.result == null ? null : readJson(end.result),
    error: end?.error ?? null,
    diagnostics: [
      ...(end?.status === "completed" ? head.diagnostics : withoutResultNotes(head.diagnostics)),
      ...(end?.warnings ?? []).map(toDiagnostic),
      ...(head.program === undefined ? [] : notesOnResults(state)),
    ],
    logs: [...state.logs, ...state.lastLogs].map(({ level, text, at }) => ({
      level,
      text: markText(text),
      atMs: at - head.createdAt,
    })),
    calls: calls.map((call) => toReportCall(call, head, end !== undefined)),
    pending: end ? [] : calls.filter(isPending).map(toPendingCall),
    limits: head.limits,
    createdAt: new Date(head.createdAt).toISOString(),
  };
  // The journal grows; this report stays as it is.
  const count = (): TokenReceipt => countReceipt(head.program, report, settlements, end !== undefined);
  return { ...report, usage: withTokens(state.usage(head.createdAt), count) };
}

/** Counts tokens when they are first read: most reports are made for something else, and counting takes time. */
export function withTokens(usage: RunUsage, count: () => TokenReceipt): ReportUsage {
  let tokens: TokenReceipt | undefined;
  return {
    ...usage,
    get tokens() {
      tokens ??= count();
      return tokens;
    },
  };
}

/** A remark about the whole run is placed at the beginning of the text. */
function toDiagnostic(warning: string | RunWarning): Diagnostic {
  const told = typeof warning === "string" ? { severity: "warning" as const, message: warning } : warning;
  return { code: null, line: 1, column: 1, ...told };
}

function toReportCall(call: CallRecord, head: ReportHead, ended: boolean): ReportCall {
  return {
    id: call.id,
    seq: call.seq,
    tool: call.tool,
    status: callStatus(call, ended),
    decision: callDecision(call),
    reused: call.settlement?.reused ?? false,
    startedMs: call.startedAt === null ? null : call.startedAt - head.createdAt,
    durationMs: callDurationMs(call),
    argsBytes: call.argsBytes,
    resultBytes: call.settlement?.resultBytes ?? 0,
    error: call.settlement?.failure ?? null,
  };
}

function isPending(call: CallRecord): boolean {
  return call.decision === "ask" && call.settlement === null;
}
