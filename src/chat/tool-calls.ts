/** Agent mode: one call of the model is one call through the gate, which refuses what is not allowed or not known. */
import type { CallResult } from "../runs/call-result.ts";
import type { ToolCall } from "../upstream/model.ts";
import { type Answer, type CallAnswering, type ModeContext, toToolCall } from "./answering.ts";
import { describeFailure, describeValue } from "./tool-message.ts";

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
      return {
        type: "message",
        content: describeFailure(result.failure),
        step: { type: "call", call: result.call, tool, status: "error", error: result.failure },
      };
    case "pending":
      return {
        type: "pending",
        calls: [toToolCall(result.pending, call.name, call.fields)],
        step: { type: "call", call: result.pending.call, tool, status: "waiting", error: null },
      };
  }
}
