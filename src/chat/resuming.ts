/** Conversations that mean to go on with a call that waits for a person. This version can only say that it cannot. */
import type { Mode } from "../config.ts";
import { ToolariumError } from "../errors.ts";
import { parseCallId } from "../runs/ids.ts";
import { type ChatMessage, isFields } from "../upstream/model.ts";

/**
 * A call that waited in agent mode may be answered by the client: its result is a message like any other.
 *
 * @throws `invalid_request` with `param: "messages"` for what would have to decide a call, or resume a program
 */
export function refuseResuming(mode: Exclude<Mode, "plain">, messages: readonly ChatMessage[]): void {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const answers = messages
    .slice(last + 1)
    .filter((message) => message.role === "tool" && isPendingId(message["tool_call_id"]));
  if (answers.some(isDecision))
    throw badMessages(
      `Deciding a pending call is not served by this version: nothing was decided, and nothing was called. ${ADVICE[mode]}`,
    );
  if (mode === "code" && answers.length > 0) throw badMessages(`${NO_RESUMING} ${ADVICE.code}`);
  if (last !== messages.length - 1 || !holdsPendingCalls(messages[last])) return;
  throw badMessages(
    mode === "code"
      ? `${NO_RESUMING} ${ADVICE.code}`
      : `The conversation ends with calls that wait for a decision, and nothing answers them. ${ADVICE.agent}`,
  );
}

const NO_RESUMING = "Resuming a program that waits for a decision is not served by this version.";

const ADVICE = {
  agent: "Send a tool message with the call's result, or let the tool run automatically (tools.autoExecute).",
  code: "Send the conversation without the pending calls, or let the tool run automatically (tools.autoExecute).",
} as const;

/** Ids of other forms are the providers'. */
function isPendingId(id: unknown): boolean {
  return typeof id === "string" && parseCallId(id) !== undefined;
}

function holdsPendingCalls(message: ChatMessage | undefined): boolean {
  const calls = message?.["tool_calls"];
  return Array.isArray(calls) && calls.some((call) => isFields(call) && isPendingId(call["id"]));
}

function isDecision(message: ChatMessage): boolean {
  try {
    const content: unknown = JSON.parse(textOf(message["content"]));
    return isFields(content) && Object.hasOwn(content, "toolarium_decision");
  } catch {
    return false;
  }
}

/** Clients send a content as text, or as a list of parts. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isFields(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}

function badMessages(message: string): ToolariumError {
  return new ToolariumError("invalid_request", message, { param: "messages" });
}
