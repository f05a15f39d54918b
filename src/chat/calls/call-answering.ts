/** How calls of the model are answered: what the two modes that do so have in common. */
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

/** What one chat request works with. */
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

/** What became of one call of the model, or what was said on the way, for people who follow the request. */
export type ChatStep =
  /** Of an answer that must be JSON: the text of a turn that was not the last, or a word of the gateway's own. */
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
  /** A person must decide: these calls end the response. */
  | { readonly type: "pending"; readonly calls: readonly ToolCall[]; readonly step: ChatStep };

/** What the records of a chat tell of its calls. */
export interface CallRecords {
  /** Undefined for a call that is not at rest. */
  call(id: string): CallResult | undefined;
  program(run: string): Promise<Report | undefined>;
}

/** What goes along with the calls of an answer. */
export interface Attending {
  readonly budget: Budget;
  /** Null: nobody wants to hear of the way. */
  readonly tell: TellProgress | null;
}

/** What was done is not done again, however often it is asked for. */
export interface CallAnswering {
  /** What a call becomes; it is recorded with its turn, before anything is done about it. */
  assign(call: ToolCall, run: Pick<CallRun, "nextCallId">): TurnCall;
  /** Its answer as the records have it; undefined while it is not at rest. */
  look(
    call: ToolCall,
    place: TurnCall,
    records: CallRecords,
    context: ModeContext,
  ): Promise<Answer | undefined>;
  /** Brings it to rest, and tells of the way there. Rejects only when it could not be taken on. */
  settle(
    call: ToolCall,
    place: TurnCall,
    run: CallRun,
    context: ModeContext,
    attending: Attending,
  ): Promise<Answer>;
}

/** The id is what the client echoes when the call was decided. Arguments are shown as they would be sent. */
export function toToolCall({ call, arguments: args }: PendingCall, name: string, fields: Fields): ToolCall {
  return { id: call, name, arguments: JSON.stringify(args ?? {}), fields };
}

/** What was done in auto mode, and why. */
export interface AutoChoice {
  readonly offered: "both" | "code";
  readonly chosen: "none" | "direct" | "code" | "both";
  /** For people: one sentence, two when not both were offered. */
  readonly reason: string;
}
