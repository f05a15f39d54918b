/** The outcome of a call, for its caller outside a program. */
import type { ToolFailure } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { GateOutcome } from "../../tools/gate/gate-call.ts";
import { questionOf } from "./calls.ts";
import type { PendingCall } from "./report-shape.ts";
import type { RunState } from "./run-state.ts";

export type CallResult =
  | { readonly type: "value"; readonly call: string; readonly value: unknown }
  | { readonly type: "failure"; readonly call: string; readonly failure: ToolFailure }
  | { readonly type: "pending"; readonly pending: PendingCall };

export type SettledCall = Exclude<CallResult, { readonly type: "pending" }>;

/** `state`: of the run, with this call. */
export function toCallResult(
  call: string,
  outcome: Exclude<GateOutcome, { readonly type: "unkept" }>,
  state: RunState,
): CallResult {
  switch (outcome.type) {
    case "value":
      return { type: "value", call, value: parseJson(outcome.value) };
    case "failure":
      return { type: "failure", call, failure: outcome.failure };
    case "pending": {
      const { tool, arguments: args, reason } = outcome;
      const question = questionIdOf(call, state);
      return { type: "pending", pending: { call: question, tool, arguments: args, reason } };
    }
  }
}

/** As the journal has it; undefined for a call that is under way or was never made. */
export function resultOf(state: RunState, call: string): CallResult | undefined {
  const settled = settlementIn(state, call);
  if (settled !== undefined) return settled;
  const record = state.call(call);
  if (record?.open?.step !== "asked") return undefined;
  const { args, reason } = record.open;
  const { tool } = record;
  return {
    type: "pending",
    pending: { call: questionOf(record), tool, arguments: parseJson(args), reason },
  };
}

export function settlementIn(state: RunState, call: string): SettledCall | undefined {
  const outcome = state.call(call)?.settlement?.outcome;
  if (outcome === undefined) return undefined;
  return outcome.ok
    ? { type: "value", call, value: parseJson(outcome.value) }
    : { type: "failure", call, failure: outcome.failure };
}

function questionIdOf(call: string, state: RunState): string {
  const record = state.call(call);
  return record === undefined ? call : questionOf(record);
}
