/** The report of a run: what `POST /v1/sandbox/runs` answers and `sandbox.run()` resolves with. */
import type { RunLimits } from "../../sandbox/limits.ts";
import type { LogLevel, RunError, RunUsage, ToolFailure } from "./journal.ts";

export type RunStatus = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";
export type CallStatus = "ok" | "error" | "denied" | "waiting" | "running" | "in_doubt" | "cancelled";

/** A remark about the program text. Lines and columns are 1-based, columns in UTF-16 units, in the author's text. */
export interface Diagnostic {
  readonly severity: "error" | "warning" | "note";
  /** TypeScript's number, or null when the remark is not TypeScript's. */
  readonly code: number | null;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface ReportCall {
  readonly id: string;
  readonly seq: number;
  readonly tool: string;
  readonly status: CallStatus;
  readonly decision: "auto" | "approved" | "denied" | "result" | null;
  readonly reused: boolean;
  readonly startedMs: number | null;
  readonly durationMs: number | null;
  readonly argsBytes: number;
  readonly resultBytes: number;
  readonly error: ToolFailure | null;
}

export interface PendingCall {
  readonly call: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly reason: string;
}

export interface Report {
  readonly id: string;
  readonly object: "sandbox.run";
  readonly status: RunStatus;
  readonly result: unknown;
  readonly error: RunError | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly logs: readonly { readonly level: LogLevel; readonly text: string; readonly atMs: number }[];
  readonly calls: readonly ReportCall[];
  readonly pending: readonly PendingCall[];
  readonly usage: RunUsage;
  readonly limits: RunLimits;
  readonly createdAt: string;
}
