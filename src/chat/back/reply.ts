/** What a conversation says to calls that wait: found at its end, read without knowing yet which calls they are. */

import { ToolariumError } from "../../errors.ts";
import { parseJson } from "../../json.ts";
import { parseCallId } from "../../runs/record/ids.ts";
import { type ChatMessage, contentText, isFields } from "../../upstream/model.ts";
import { callIdsOf, callsOf } from "../turns/kept-turns.ts";
import { isBlank } from "./told-outcomes.ts";

/** A conversation that goes on with a chat. */
export interface Reply {
  /** All calls that it is about, in our form. */
  readonly ids: readonly string[];
  /** Its tool messages; none when everything was decided elsewhere. */
  readonly messages: readonly ReplyMessage[];
  /** Whether a person wrote on behind the calls. */
  readonly writesOn: boolean;
  /** The calls themselves as they come back, by their ids. */
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
 * Only tool messages behind the last assistant message go on with a chat; earlier ids are history. Ids that are not
 * of our form are the provider's. Undefined for a conversation that goes on with none: also for one in which a person
 * wrote on and decided nothing.
 */
export function readReply(messages: readonly ChatMessage[]): Reply | undefined {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const behind = messages.slice(last + 1);
  const writesOn = behind.some(({ role }) => role === "user");
  const answers = behind.flatMap((message): readonly ReplyMessage[] => {
    const id = message["tool_call_id"];
    if (message.role !== "tool" || typeof id !== "string" || !isOurs(id)) return [];
    // With more words behind it a blank answer is a client's stopgap, not a result.
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

/** Those of the last assistant message, and those that are answered. What was handed out twice counts as it stands last. */
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

/** A text is a result unless it decides. @throws `invalid_request` for a decision that is none */
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

/** Whether two texts are the same, also as JSON. */
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
