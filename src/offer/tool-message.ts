/** What a model reads about a call made outside a program: valid JSON or plain text, which says where it was cut. */
import type { ToolFailure } from "../journal.ts";
import type { SettledCall } from "../runs/record/call-result.ts";
import { fitJson, fitText } from "../runs/record/fit-json.ts";
import { withMarks } from "../runs/record/media-marks.ts";

/**
 * Most tokens of one call's result. A model that calls tools itself cannot read the rest later, as a program can. So
 * the limit is high: it only keeps one result from filling the context window.
 */
const CALL_TOKENS = 16_000;

/** A value as the content of a tool message. */
export function describeValue(value: unknown, tokenBudget: number = CALL_TOKENS): string {
  const read = withMarks(value ?? null);
  return typeof read === "string" ? fitText(read, tokenBudget) : fitJson(read, tokenBudget).text;
}

export function describeFailure({ kind, message, data }: ToolFailure): string {
  return describeValue({ error: { kind, message, ...(data === undefined ? {} : { data }) } });
}

/** The outcome of one call as the content of a client's tool message: at any length, with marks instead of media. */
export function toolContent(result: SettledCall): string {
  if (result.type === "value") {
    const read = withMarks(result.value ?? null);
    return typeof read === "string" ? read : JSON.stringify(read);
  }
  const { kind, message } = result.failure;
  return JSON.stringify({ error: { kind, message } });
}

/** A message of the gateway's own to the model, in the form of a failed call. */
export function describeProblem(message: string): string {
  return JSON.stringify({ error: { message } });
}
