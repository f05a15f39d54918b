/** The report of a chat run with that of its programs folded in: a view, nothing is recorded twice. */
import { addReceipts } from "./receipt.ts";
import { withTokens } from "./report.ts";
import type { Report } from "./report-shape.ts";

/** `children` in the order in which they were started. */
export function mergeChildren(chat: Report, children: readonly Report[]): Report {
  if (children.length === 0) return chat;
  const all = [chat, ...children];
  const sum = (pick: (report: Report) => number): number =>
    all.reduce((total, report) => total + pick(report), 0);
  const offsetOf = (report: Report): number => Date.parse(report.createdAt) - Date.parse(chat.createdAt);
  const used = {
    wallMs: chat.usage.wallMs,
    cpuMs: sum((report) => report.usage.cpuMs),
    queueMs: sum((report) => report.usage.queueMs),
    compileMs: sum((report) => report.usage.compileMs),
    toolCalls: sum((report) => report.usage.toolCalls),
    logBytes: sum((report) => report.usage.logBytes),
    peakHeapBytes: Math.max(...all.map((report) => report.usage.peakHeapBytes)),
  };
  return {
    ...chat,
    result: children.at(-1)?.result ?? null,
    logs: all.flatMap((report) => report.logs.map((log) => ({ ...log, atMs: log.atMs + offsetOf(report) }))),
    calls: all
      .flatMap((report) =>
        report.calls.map((call) => ({
          ...call,
          startedMs: call.startedMs === null ? null : call.startedMs + offsetOf(report),
        })),
      )
      .map((call, index) => ({ ...call, seq: index + 1 })),
    pending: all.flatMap((report) => report.pending),
    usage: withTokens(used, () => addReceipts(all.map(({ usage }) => usage.tokens))),
  };
}
