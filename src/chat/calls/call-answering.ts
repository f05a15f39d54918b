/** How a call of the model gets its answer, which here is the reply to that call. */
import type { Config } from "../../config/config.ts";
import type { RunError, ToolFailure, TurnCall } from "../../journal.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import type { CallResult } from "../../runs/record/call-result.ts";
import type { RunStatus } from "../../runs/record/report.ts";
import type { PendingCall, Report } from "../../runs/record/report-shape.ts";
import type { Runner } from "../../runs/runner.ts";
import type { Catalog, CatalogTool } from "../../tools/catalog.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import type { Fields, ToolCall } from "../../upstream/model.ts";
import type { Budget } from "../turns/budget.ts";
import type { TellProgress } from "./progress.ts";

/** What the answering of a chat request's calls depends on. */
export interface ModeContext {
  readonly runner: Pick<Runner, "start" | "programAtRest" | "reader">;
  readonly config: Pick<Config, "agent" | "limits" | "declarations">;
  readonly catalog: Catalog;
  /** The tools that this request may use and that can be called. */
  readonly tools: readonly CatalogTool[];
  /** The names of all functions that the model is offered, ours and the caller's. */
  readonly offered: ReadonlySet<string>;
  readonly principal: string;
  readonly keyName: string | null;
  readonly policy: Policy;
}

/** The outcome of one call of the model, or a text beside the content, for people who watch the stream. */
export type ChatStep =
  /** Where the content must be JSON: the text of a turn before the last, or a message of the gateway. */
  | { readonly type: "text" | "note"; readonly text: string }
  | {
      readonly type: "program";
      readonly run_id: string;
      readonly status: RunStatus;
      readonly error: RunError | null;
    }
  | {
      readonly type: "call";
      readonly call: string;
      readonly tool: string;
      readonly status: "ok" | "error" | "waiting";
      readonly error: ToolFailure | null;
    };

export type Answer =
  /** `content` goes back to the model. */
  | { readonly type: "message"; readonly content: string; readonly step: ChatStep | null }
  /** These calls need approval, and end the response. */
  | { readonly type: "pending"; readonly calls: readonly ToolCall[]; readonly step: ChatStep };

/** Looks up the recorded outcomes of a chat's calls. */
export interface CallRecords {
  /** Undefined for a call that is still under way. */
  call(id: string): CallResult | undefined;
  program(run: string): Promise<Report | undefined>;
}

/** What `settle` needs besides the call itself. */
export interface Attending {
  readonly budget: Budget;
  /** Null: the request does not ask for progress. */
  readonly tell: TellProgress | null;
}

/** A call is executed once, however often it is settled or looked up. */
export interface CallAnswering {
  /** Which call of the chat or which program it becomes: recorded with its turn, before anything is executed. */
  assign(call: ToolCall, run: Pick<CallRun, "nextCallId">): TurnCall;
  /** Its recorded answer; undefined while it is under way. */
  look(
    call: ToolCall,
    place: TurnCall,
    records: CallRecords,
    context: ModeContext,
  ): Promise<Answer | undefined>;
  /** Executes it until it is done or needs approval, and reports progress. Rejects only when it cannot be started. */
  settle(
    call: ToolCall,
    place: TurnCall,
    run: CallRun,
    context: ModeContext,
    attending: Attending,
  ): Promise<Answer>;
}

/** A waiting call as the client gets it. A decision echoes its id. Its arguments are those that would be sent. */
export function toToolCall({ call, arguments: args }: PendingCall, name: string, fields: Fields): ToolCall {
  return { id: call, name, arguments: JSON.stringify(args ?? {}), fields };
}

/** What the model chose in auto mode, and why. */
export interface AutoChoice {
  readonly offered: "both" | "code";
  readonly chosen: "none" | "direct" | "code" | "both";
  /** For people: one sentence, two when not both were offered. */
  readonly reason: string;
}
