/** Agent mode: one call of the model is one call through the gate, which refuses what is not allowed or not known. */

import { describeFailure, describeValue } from "../../offer/tool-message.ts";
import type { CallResult } from "../../runs/record/call-result.ts";
import { decide } from "../../tools/policy.ts";
import type { ToolCall } from "../../upstream/model.ts";
import { type Answer, type CallAnswering, type ModeContext, toToolCall } from "./call-answering.ts";
import { explainMissing } from "./offered-calls.ts";

export const toolCalls: CallAnswering = {
  assign: ({ id }, run) => ({ id, call: run.nextCallId() }),
  async look(call, place, records, context) {
    const result = records.call(place.call ?? "");
    return result === undefined ? undefined : toAnswer(result, call, context);
  },
  async settle(call, place, run, context) {
    return toAnswer(await run.call(place.call ?? "", toolOf(call, context), call.arguments), call, context);
  },
};

function toolOf({ name }: ToolCall, { catalog }: ModeContext): string {
  return (catalog.byFunctionName(name) ?? catalog.byId(name))?.id ?? name;
}

function toAnswer(result: CallResult, call: ToolCall, context: ModeContext): Answer {
  const tool = toolOf(call, context);
  switch (result.type) {
    case "value":
      return {
        type: "message",
        content: describeValue(result.value),
        step: { type: "call", call: result.call, tool, status: "ok", error: null },
      };
    case "failure":
      return failureAnswer(result, call, context);
    case "pending":
      return {
        type: "pending",
        calls: [toToolCall(result.pending, call.name, call.fields)],
        step: { type: "call", call: result.pending.call, tool, status: "waiting", error: null },
      };
  }
}

/** Explains a call that cannot be made by the function names that the model was offered: the gate knows only ids. */
function failureAnswer(
  { call: id, failure }: Extract<CallResult, { readonly type: "failure" }>,
  call: ToolCall,
  context: ModeContext,
): Answer {
  const tool = toolOf(call, context);
  const known = context.catalog.byId(tool);
  // Failures of a tool and denials by a person keep their own message.
  const isMissing = known === undefined || decide(known, context.policy).verdict === "deny";
  const message = (isMissing ? explainMissing(call.name, context) : undefined) ?? failure.message;
  const error = { ...failure, message };
  const step = { type: "call", call: id, tool, status: "error", error } as const;
  return { type: "message", content: describeFailure(error), step };
}
