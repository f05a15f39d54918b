/** What became of a call, as those see it who made it outside a program. */
import type { JournalEvent, ToolFailure } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { GateOutcome } from "../../tools/gate/gate-call.ts";
import { doubtsOf, openCallOf } from "./history.ts";
import { toQuestionId } from "./ids.ts";
import type { PendingCall } from "./report-shape.ts";

export type CallResult =
  | { readonly type: "value"; readonly call: string; readonly value: unknown }
  | { readonly type: "failure"; readonly call: string; readonly failure: ToolFailure }
  | { readonly type: "pending"; readonly pending: PendingCall };

export type SettledCall = Exclude<CallResult, { readonly type: "pending" }>;

/** `events`: of the run, with those of this call. */
export function toCallResult(
  call: string,
  outcome: Exclude<GateOutcome, { readonly type: "unkept" }>,
  events: readonly JournalEvent[],
): CallResult {
  switch (outcome.type) {
    case "value":
      return { type: "value", call, value: parseJson(outcome.value) };
    case "failure":
      return { type: "failure", call, failure: outcome.failure };
    case "pending": {
      const { tool, arguments: args, reason } = outcome;
      const question = questionIdOf(call, events);
      return { type: "pending", pending: { call: question, tool, arguments: args, reason } };
    }
  }
}

/** As the journal has it; undefined for a call that is under way or was never made. */
export function resultOf(events: readonly JournalEvent[], call: string): CallResult | undefined {
  const settled = settlementIn(events, call);
  if (settled !== undefined) return settled;
  const open = openCallOf(events, call);
  const requested = events.find((event) => event.type === "requested" && event.call === call);
  if (open?.step !== "asked" || requested?.type !== "requested") return undefined;
  const { args, reason } = open;
  const question = questionIdOf(call, events);
  return {
    type: "pending",
    pending: { call: question, tool: requested.tool, arguments: parseJson(args), reason },
  };
}

export function settlementIn(events: readonly JournalEvent[], call: string): SettledCall | undefined {
  const settled = events.findLast((event) => event.type === "settled" && event.call === call);
  if (settled?.type !== "settled") return undefined;
  const { outcome } = settled;
  return outcome.ok
    ? { type: "value", call, value: parseJson(outcome.value) }
    : { type: "failure", call, failure: outcome.failure };
}

function questionIdOf(call: string, events: readonly JournalEvent[]): string {
  return toQuestionId(call, doubtsOf(events, call).length);
}
