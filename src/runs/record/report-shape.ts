/** The report of a run: what its caller reads of it. `report.ts` derives it from the journal. */
import type { RunLimits } from "../../../sandbox/index.ts";
import type { Diagnostic } from "../../code/compile.ts";
import type { LogLevel, RunError, RunStatus, RunUsage, ToolFailure } from "../../journal.ts";

export type CallStatus = "ok" | "error" | "denied" | "waiting" | "running" | "in_doubt" | "cancelled";

/** One tool call of a run. Times in milliseconds, sizes in bytes of JSON text. */
export interface ReportCall {
  readonly id: string;
  /** From 1, in the order in which the calls were requested. */
  readonly seq: number;
  /** `server/tool`. */
  readonly tool: string;
  readonly status: CallStatus;
  /** Null while the call needs approval, and when it was refused before there was anything to decide. */
  readonly decision: "auto" | "approved" | "denied" | "result" | null;
  /** Not made: its result is that of an equal call of the run that this one repairs. */
  readonly reused: boolean;
  /** Since the run was created. Null for a call that has not left. */
  readonly startedMs: number | null;
  /** Null until it has settled. */
  readonly durationMs: number | null;
  readonly argsBytes: number;
  readonly resultBytes: number;
  readonly error: ToolFailure | null;
}

/** A call that waits for a person. */
export interface PendingCall {
  /** The id to decide it by. */
  readonly call: string;
  /** `server/tool`. */
  readonly tool: string;
  /** As they will be sent, defaults filled in. */
  readonly arguments: unknown;
  /** Why it needs approval, as a sentence. */
  readonly reason: string;
}

/** A run as it stands. */
export interface Report {
  readonly id: string;
  readonly object: "sandbox.run";
  readonly status: RunStatus;
  /** What the program returned; null until it has completed. */
  readonly result: unknown;
  /** Why the run ended without a result; null for one that completed or has not ended. */
  readonly error: RunError | null;
  /** What the compiler and the end of the run have to say of the text: errors, warnings, notes. */
  readonly diagnostics: readonly Diagnostic[];
  /** Console output. `atMs`: milliseconds since the run was created. */
  readonly logs: readonly { readonly level: LogLevel; readonly text: string; readonly atMs: number }[];
  /** In the order in which the program made them. */
  readonly calls: readonly ReportCall[];
  /** Calls that wait for a person; empty once the run has ended. */
  readonly pending: readonly PendingCall[];
  readonly usage: ReportUsage;
  readonly limits: RunLimits;
  /** ISO 8601, in UTC. */
  readonly createdAt: string;
}

export interface ReportUsage extends RunUsage {
  /** Counted when it is read, for the first time or into JSON. */
  readonly tokens: TokenReceipt;
}

/** What a report says that is fixed before the first event. */
export interface ReportHead {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly limits: RunLimits;
  readonly diagnostics: readonly Diagnostic[];
  /** Absent for calls made outside a program. */
  readonly program?: ReceiptHead | undefined;
}

/** Tokens, counted with o200k_base. Texts over 65,536 UTF-16 units are estimated. */
export interface TokenReceipt {
  /**
   * The declarations that a model was shown, or would be: the catalog within its budget. 0 in an embedded sandbox, which
   * shows them to nobody: to count them would cost its first program a fifth of a second.
   */
  readonly declarations: number;
  /** The author's text. */
  readonly program: number;
  /** What a model reads of the run once it has ended: the tool message, cut to its budget. 0 until then. */
  readonly result: number;
  /**
   * The results of its tool calls, whole, as they would stand in the conversation of a model that makes these calls
   * itself: each once, though such a model reads it again with every turn. Arguments and tool lists are not in it.
   */
  readonly directEstimate: number;
}

/** What is fixed about a program before it runs. */
export interface ReceiptHead {
  readonly code: string;
  /** Absent in runs of earlier versions. */
  readonly shown?: Shown;
}

/** All that can be read of a report. */
export type ReadReport = Omit<Report, "usage">;

/** What a model was shown, or would be. */
export interface Shown {
  readonly declarationTokens: number;
  readonly resultBudget: number;
}
