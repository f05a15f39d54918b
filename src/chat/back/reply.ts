/** Reads a reply to waiting calls at the end of a conversation, before the calls themselves are looked up. */

import { ToolariumError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import { parseCallId } from "../../runs/record/ids.ts";
import { type ChatMessage, contentText, isFields } from "../../upstream/model.ts";
import { callIdsOf, callsOf } from "../turns/kept-turns.ts";
import { isBlank } from "./told-outcomes.ts";

/** The end of a conversation that resumes a chat. */
export interface Reply {
  /** Ids of all calls that it is about, in the gateway's form. */
  readonly ids: readonly string[];
  /** Its tool messages. Empty when everything was decided elsewhere. */
  readonly messages: readonly ReplyMessage[];
  /** Whether a new message of the user follows the calls. */
  readonly writesOn: boolean;
  /** The calls in the conversation, by their ids. */
  readonly calls: ReadonlyMap<string, ReturnedCall>;
}

export interface ReturnedCall {
  readonly name: unknown;
  /** JSON text, an object, or undefined for a client that left them out. */
  readonly args: unknown;
}

export interface ReplyMessage {
  readonly id: string;
  readonly text: string;
  readonly content: unknown;
}

export type Said =
  | { readonly type: "approve" }
  | { readonly type: "deny"; readonly reason?: string }
  | { readonly type: "result" };

/**
 * Only tool messages after the last assistant message resume a chat; earlier ids are history. Ids in another form than
 * the gateway's are the provider's. Undefined for a conversation that resumes no chat, also when the user wrote a new
 * message and decided nothing.
 */
export function readReply(messages: readonly ChatMessage[]): Reply | undefined {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const behind = messages.slice(last + 1);
  const writesOn = behind.some(({ role }) => role === "user");
  const answers = behind.flatMap((message): readonly ReplyMessage[] => {
    const id = message["tool_call_id"];
    if (message.role !== "tool" || typeof id !== "string" || !isOurs(id)) return [];
    // Before a new message of the user, a blank tool message is a client's placeholder, not a result.
    if (writesOn && isBlank(message["content"])) return [];
    const { content } = message;
    return [{ id, text: contentText(content), content }];
  });
  const calls = returnedCalls(messages, last, new Set(answers.map(({ id }) => id)));
  if (answers.length > 0) return { ids: answers.map(({ id }) => id), messages: answers, writesOn, calls };
  const open = last === messages.length - 1 ? messages[last] : undefined;
  const ids = open === undefined ? [] : callIdsOf(open).filter(isOurs);
  return ids.length === 0 ? undefined : { ids, messages: [], writesOn, calls };
}

/** Calls of the last assistant message, and calls that have a tool message. Of two with the same id the last counts. */
function returnedCalls(
  messages: readonly ChatMessage[],
  last: number,
  answered: ReadonlySet<string>,
): ReadonlyMap<string, ReturnedCall> {
  const calls = new Map<string, ReturnedCall>();
  for (const [index, message] of messages.entries())
    for (const call of callsOf(message)) {
      const { id, function: called } = call;
      if (typeof id !== "string" || !isOurs(id) || !isFields(called)) continue;
      if (index !== last && !answered.has(id)) continue;
      calls.set(id, { name: called["name"], args: called["arguments"] ?? undefined });
    }
  return calls;
}

/** A text without `toolarium_decision` is a result. @throws `invalid_request` for a malformed decision */
export function readSaid({ text }: Pick<ReplyMessage, "text">): Said {
  const value = parse(text);
  if (!isFields(value) || !Object.hasOwn(value, "toolarium_decision")) return { type: "result" };
  const { toolarium_decision: decision, reason, ...others } = value;
  const isPlain = Object.keys(others).length === 0;
  if (decision === "approve" && isPlain && reason === undefined) return { type: "approve" };
  if (decision === "deny" && isPlain && (reason === undefined || typeof reason === "string"))
    return { type: "deny", ...(reason === undefined ? {} : { reason }) };
  throw new ToolariumError(
    "invalid_request",
    'A tool message that decides a call is {"toolarium_decision":"approve"} or {"toolarium_decision":"deny","reason":"…"}, and nothing else. Nothing was decided.',
    { param: "messages" },
  );
}

/** Whether two texts are equal, or equal as JSON. */
export function isSameText(one: string, other: string): boolean {
  if (one === other) return true;
  const [first, second] = [parse(one), parse(other)];
  return first !== undefined && JSON.stringify(first) === JSON.stringify(second);
}

function isOurs(id: string): boolean {
  return parseCallId(id) !== undefined;
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
