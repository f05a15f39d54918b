/** The report of a run: what `POST /v1/sandbox/runs` answers and `sandbox.run()` resolves with. */

import type { Diagnostic } from "../../code/compile.ts";
import { withoutResultNotes } from "../../code/diagnostics.ts";
import type { JournalEvent, LogLevel, RunStatus, RunUsage, RunWarning } from "../../journal.ts";
import {
  type CallRecord,
  callDecision,
  callDurationMs,
  callStatus,
  createCallFold,
  readJson,
  toPendingCall,
} from "./calls.ts";
import { notesOnResults } from "./guest-values.ts";
import { markText } from "./media-marks.ts";
import { countReceipt } from "./receipt.ts";
import type { Report, ReportCall, ReportHead, ReportUsage, TokenReceipt } from "./report-shape.ts";
import { toRunUsage } from "./usage.ts";

export type { Diagnostic, RunStatus };
/**
 * The report as it stands after these events: all of a journal, or any beginning of it. Until the run ends, `usage`
 * holds what the journal can tell (clock, queue, calls, logs) and 0 for the rest.
 */
export function deriveReport(head: ReportHead, events: readonly JournalEvent[]): Report {
  const fold = createCallFold();
  for (const event of events) fold.apply(event);
  const calls = fold.calls().filter(({ inText }) => !inText);
  const last = events.at(-1);
  const end = last?.type === "ended" ? last : undefined;
  const report: Omit<Report, "usage"> = {
    id: head.id,
    object: "sandbox.run",
    status: statusAfter(last),
    result: end?.result == null ? null : readJson(end.result),
    error: end?.error ?? null,
    diagnostics: [
      ...(end?.status === "completed" ? head.diagnostics : withoutResultNotes(head.diagnostics)),
      ...(end?.warnings ?? []).map(toDiagnostic),
      ...(head.program === undefined ? [] : notesOnResults(events)),
    ],
    logs: [...events.filter((event) => event.type === "log"), ...lastLogsOf(events)].map(
      ({ level, text, at }) => ({ level, text: markText(text), atMs: at - head.createdAt }),
    ),
    calls: calls.map((call) => toReportCall(call, head, end !== undefined)),
    pending: end ? [] : calls.filter(isPending).map(toPendingCall),
    limits: head.limits,
    createdAt: new Date(head.createdAt).toISOString(),
  };
  // A journal goes on; this report does not.
  const { length } = events;
  const count = (): TokenReceipt => countReceipt(head.program, report, events.slice(0, length));
  return { ...report, usage: withTokens(deriveUsage(head, events), count) };
}

/** The end of what a program that waits has printed: its journal gets it when the program is over. */
export function lastLogsOf(
  events: readonly JournalEvent[],
): readonly { readonly level: LogLevel; readonly text: string; readonly at: number }[] {
  const mark = events.findLast(({ type }) => type === "waiting" || type === "resumed" || type === "ended");
  return mark?.type === "waiting" ? (mark.lastLogs ?? []).map((log) => ({ ...log, at: mark.at })) : [];
}

/** What a run has used after these events. */
export function deriveUsage(head: Pick<ReportHead, "createdAt">, events: readonly JournalEvent[]): RunUsage {
  const last = events.at(-1);
  const told = last?.type === "ended" || last?.type === "waiting" ? last.usage : undefined;
  return told ?? usageSoFar(head, events);
}

/** Most reports are made to look at something else, and counting takes time. */
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

/** Whether a call that is not read-only had started, and was not held back at the last moment. */
export function hasEffects(events: readonly JournalEvent[]): boolean {
  let starts = 0;
  for (const event of events) {
    if (event.type === "started" && !event.readOnly) starts += 1;
    if (event.type === "decided" && event.heldBack === true) starts -= 1;
  }
  return starts > 0;
}

/** The status of a run after this event. An ended run stays ended; any event after `waiting` means that it goes on. */
export function statusAfter(event: JournalEvent | undefined): RunStatus {
  switch (event?.type) {
    case undefined:
      return "queued";
    case "waiting":
      return "waiting";
    case "ended":
      return event.status;
    default:
      return "running";
  }
}

/** A remark about the whole run stands at the beginning of the text. */
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

function usageSoFar(head: Pick<ReportHead, "createdAt">, events: readonly JournalEvent[]): RunUsage {
  const [first] = events;
  return toRunUsage({
    wallMs: wallMsSoFar(events),
    queueMs: first ? first.at - head.createdAt : 0,
    toolCalls: events.filter((event) => event.type === "requested" && event.inText !== true).length,
    logBytes: events.reduce((sum, e) => sum + (e.type === "log" ? Buffer.byteLength(e.text) : 0), 0),
  });
}

function isPause({ type }: JournalEvent): boolean {
  return type === "waiting" || type === "ended";
}

/** From event to event, without the times in which the run waited, for a person or for a process to carry it. */
export function wallMsSoFar(events: readonly JournalEvent[]): number {
  let wallMs = 0;
  let isWaiting = false;
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    // Decisions are taken while the run waits on.
    const wasIdle = (before !== undefined && isPause(before)) || (isWaiting && event.type === "decided");
    if (before !== undefined && !wasIdle && event.type !== "resumed") wallMs += event.at - before.at;
    isWaiting = event.type === "waiting" || (isWaiting && event.type === "decided");
  }
  return wallMs;
}
