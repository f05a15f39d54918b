/** What an answer is made from: the journal so far, and where it goes on. */
import type { ToolariumError } from "../errors.ts";
import type { TurnCall } from "../journal.ts";
import type { CallRun } from "../runs/execution/call-run.ts";
import type { RunState } from "../runs/record/run-state.ts";
import type { ToolCall } from "../upstream/model.ts";
import type { Answer, CallAnswering } from "./calls/call-answering.ts";
import type { TellProgress } from "./calls/progress.ts";
import type { Budget } from "./turns/budget.ts";

export interface AnswerSource {
  /** What the journal of the chat says, as far as this answer goes. */
  readonly state: RunState;
  /** Seq of the event with which the answer begins. */
  readonly start: number;
  /** Brings a call to rest, or tells what became of it. */
  settle(call: ToolCall, place: TurnCall, tell: TellProgress | null): Promise<Answer>;
  /** Where it goes on; null for an answer that is only told again. */
  readonly writer: AnswerWriter | null;
  /** With what it ended where its turns do not end it. Only of an answer that is told again. */
  readonly failure?: ToolariumError;
}

export interface AnswerWriter {
  readonly run: Pick<CallRun, "id" | "createdAt" | "journal" | "signal" | "note" | "nextCallId">;
  readonly answering: CallAnswering;
  readonly budget: Budget;
}
