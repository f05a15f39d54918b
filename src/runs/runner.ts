/**
 * The run life cycle: compile, lease, call, settle, end, and the journal of it all. (Interface; the implementation
 * is in progress.)
 */
import type { RunLimits } from "../../sandbox/limits.ts";
import type { Catalog } from "../tools/catalog.ts";
import type { Policy } from "../tools/policy.ts";
import type { JournalEvent, ToolFailure } from "./journal.ts";
import type { PendingCall, Report, RunStatus } from "./report.ts";

export interface ProgramRequest {
  readonly principal: string;
  readonly code: string;
  readonly input?: unknown;
  readonly policy: Policy;
  readonly limits: RunLimits;
  readonly typecheck: "error" | "warn" | "off";
  /** `park`: a call that needs consent ends the response with status `waiting`. `deny`: it rejects in the program. */
  readonly approval: "park" | "deny";
  /** The chat run this program belongs to. */
  readonly parent?: string;
  /** Aborting cancels the run. */
  readonly signal?: AbortSignal;
}

/** A run that this process carries. */
export interface ActiveRun {
  readonly id: string;
  report(): Report;
  /** Resolves when the run ended or waits for a person. Never rejects. */
  readonly done: Promise<Report>;
  cancel(): void;
  /** Events after this seq, then live ones, until the run ends or waits. */
  events(afterSeq?: number): AsyncIterable<JournalEvent>;
}

/** Calls made outside a program: a chat request in agent or plain mode, or one explicit call. */
export interface CallRunRequest {
  readonly principal: string;
  readonly kind: "chat" | "call";
  readonly policy: Policy;
  readonly limits: RunLimits;
  /** `auto`: policy decides. `granted`: a person asked for exactly this call, so only `deny` refuses it. */
  readonly consent: "auto" | "granted";
  readonly signal?: AbortSignal;
}

export type CallResult =
  | { readonly type: "value"; readonly call: string; readonly value: unknown }
  | { readonly type: "failure"; readonly call: string; readonly failure: ToolFailure }
  | { readonly type: "pending"; readonly pending: PendingCall };

export interface CallRun {
  readonly id: string;
  /** Never rejects. `args` is JSON text as the model or the person wrote it. */
  call(tool: string, args: string): Promise<CallResult>;
  /** Ends the record: nothing is accepted after. `waiting` when pending calls were returned to the client. */
  end(status: "completed" | "failed" | "cancelled" | "waiting"): Promise<void>;
}

/** Who asks: `admin` may read what belongs to others. */
export interface Viewer {
  readonly principal: string;
  readonly admin: boolean;
}

export interface Runner {
  /** Rejects with `queue_full` or `not_ready`; whatever the program does is in the report. */
  start(request: ProgramRequest): Promise<ActiveRun>;
  openCalls(request: CallRunRequest): Promise<CallRun>;
  /** Undefined also for a run of somebody else. */
  report(id: string, viewer: Viewer): Promise<Report | undefined>;
  list(
    viewer: Viewer,
    query: { readonly status?: RunStatus; readonly limit: number; readonly cursor?: string },
  ): Promise<{
    readonly data: readonly Report[];
    readonly next_cursor: string | null;
  }>;
  cancel(id: string, viewer: Viewer): Promise<Report | undefined>;
  /** Events of any run, live while this process carries it. */
  events(id: string, viewer: Viewer, afterSeq?: number): Promise<AsyncIterable<JournalEvent> | undefined>;
  /** The catalog that new runs get. */
  catalog(): Catalog;
}
