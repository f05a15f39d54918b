/** What a model reads about a call made outside a program: valid JSON or plain text, with what is cut saying so. */
import type { ToolFailure } from "../journal.ts";
import type { SettledCall } from "../runs/call-result.ts";
import { fitJson, fitText } from "../runs/fit-json.ts";

/**
 * Tokens of the result of one call. A model that calls tools itself cannot come back for the rest as a program can, so
 * this is only what keeps one result from crowding out the conversation.
 */
const CALL_TOKENS = 16_000;

/** A value as the content of a tool message. */
export function describeValue(value: unknown, tokenBudget: number = CALL_TOKENS): string {
  return typeof value === "string" ? fitText(value, tokenBudget) : fitJson(value ?? null, tokenBudget).text;
}

export function describeFailure({ kind, message, data }: ToolFailure): string {
  return describeValue({ error: { kind, message, ...(data === undefined ? {} : { data }) } });
}

/** What became of one call as the content of a tool message that a client gets: whole, however long. */
export function toolContent(result: SettledCall): string {
  if (result.type === "value")
    return typeof result.value === "string" ? result.value : JSON.stringify(result.value ?? null);
  const { kind, message } = result.failure;
  return JSON.stringify({ error: { kind, message } });
}

/** A message of the gateway's own to the model, in the form of a failed call. */
export function describeProblem(message: string): string {
  return JSON.stringify({ error: { message } });
}
