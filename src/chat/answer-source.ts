/** What an answer (the reply to the user) is made from: the journal so far, and a writer unless it is a replay. */
import type { ToolariumError } from "../errors.ts";
import type { TurnCall } from "../journal.ts";
import type { CallRun } from "../runs/execution/call-run.ts";
import type { RunState } from "../runs/record/run-state.ts";
import type { ToolCall } from "../upstream/model.ts";
import type { Answer, CallAnswering } from "./calls/call-answering.ts";
import type { TellProgress } from "./calls/progress.ts";
import type { Budget } from "./turns/budget.ts";

export interface AnswerSource {
  /** The journal of the chat, read up to the end of this answer. */
  readonly state: RunState;
  /** Seq of the event with which the answer begins. */
  readonly start: number;
  /** Settles a call; in a replay, looks up its recorded answer. */
  settle(call: ToolCall, place: TurnCall, tell: TellProgress | null): Promise<Answer>;
  /** Records what comes after the journal's events; null in a replay. */
  readonly writer: AnswerWriter | null;
  /** The error that ended the answer after its last recorded turn. Only in a replay. */
  readonly failure?: ToolariumError;
}

export interface AnswerWriter {
  readonly run: Pick<CallRun, "id" | "createdAt" | "journal" | "signal" | "note" | "nextCallId">;
  readonly answering: CallAnswering;
  readonly budget: Budget;
}
