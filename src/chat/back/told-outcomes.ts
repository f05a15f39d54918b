/**
 * Makes the gateway's calls in a conversation readable for a model. A model cannot use the decisions of people: it
 * reads the outcome of the call instead, or that nobody has decided yet. Providers refuse a call without a tool
 * message, so each gets one. An answer here is the reply to a call.
 */
import { parseJson } from "../../json.ts";
import { describeFailure, describeProblem, describeValue } from "../../offer/tool-message.ts";
import { resultOf } from "../../runs/record/call-result.ts";
import { callIdOf, parseCallId } from "../../runs/record/ids.ts";
import type { Runner } from "../../runs/runner.ts";
import { type ChatMessage, contentText, isFields } from "../../upstream/model.ts";
import { callIdsOf } from "../turns/kept-turns.ts";
import type { ChatRequest } from "../turns/request.ts";
import { toolMessage } from "../turns/turn.ts";

const UNDECIDED = describeProblem(
  "Not decided: a person has neither approved nor denied this call yet, so it was not made. It still waits for them. Go on without its result, and do not call it again.",
);
const UNDER_WAY = describeProblem(
  "A person approved this call. It is under way, and its result is not here yet.",
);
const NOT_KEPT = describeProblem("A person decided about this call. Its result is not kept here any more.");

/** The messages with an answer to every known call of the gateway: the client's own, or the recorded outcome. */
export async function tellOutcomes(
  { messages, principal }: Pick<ChatRequest, "messages" | "principal">,
  runner: Pick<Runner, "reader" | "catalog">,
): Promise<readonly ChatMessage[]> {
  const ids = new Set(messages.flatMap((message) => [...callIdsOf(message), ...answeredId(message)]));
  const ours = [...ids].filter((id) => parseCallId(id) !== undefined);
  if (ours.length === 0) return messages;
  const records = await readRecords(ours, principal, runner);
  const told: ChatMessage[] = [];
  for (let index = 0; index < messages.length; ) {
    const end = endOfTurn(messages, index);
    told.push(...tellTurn(messages.slice(index, end), records));
    index = end;
  }
  return told;
}

/** What is recorded of a call that needed approval. */
interface CallRecord {
  readonly outcome: string;
  /** The call itself, for a client that left it out. */
  readonly call: { readonly name: string; readonly arguments: string };
}

async function readRecords(
  ids: readonly string[],
  principal: string,
  runner: Pick<Runner, "reader" | "catalog">,
): Promise<ReadonlyMap<string, CallRecord>> {
  const viewer = { principal, admin: false };
  const { reader } = runner;
  const records = new Map<string, CallRecord>();
  for (const id of ids) {
    const run = parseCallId(id)?.runId ?? "";
    const asked = await reader.askedCall(run, viewer, id);
    if (asked === undefined) continue;
    const name = runner.catalog().byId(asked.tool)?.functionName ?? asked.tool;
    const outcome = describeOutcome(resultOf(await reader.state(run), callIdOf(id)));
    records.set(id, { outcome, call: { name, arguments: asked.args } });
  }
  return records;
}

function describeOutcome(result: ReturnType<typeof resultOf>): string {
  switch (result?.type) {
    case "value":
      return describeValue(result.value);
    case "failure":
      return describeFailure(result.failure);
    case "pending":
      return UNDECIDED;
    case undefined:
      return UNDER_WAY;
  }
}

/** The index of the next assistant message after this one, or of the end: answers to this message stand before it. */
function endOfTurn(messages: readonly ChatMessage[], index: number): number {
  const next = messages.findIndex(({ role }, at) => at > index && role === "assistant");
  return next === -1 ? messages.length : next;
}

/** One turn: only its first message may be the assistant's. Answers to the gateway's calls are put right after it. */
function tellTurn(
  messages: readonly ChatMessage[],
  records: ReadonlyMap<string, CallRecord>,
): readonly ChatMessage[] {
  const [first] = messages;
  const called = first === undefined ? [] : callIdsOf(first).filter((id) => records.has(id));
  const answers = called.map((id) => {
    const sent = messages.find((message) => answeredId(message)[0] === id);
    return sent === undefined
      ? toolMessage(id, records.get(id)?.outcome ?? "")
      : tellAnswer(sent, id, records);
  });
  let isPlaced = called.length === 0;
  return messages.flatMap((message, index) => {
    const [id] = answeredId(message);
    if (id !== undefined && called.includes(id)) return [];
    const told = id === undefined ? [message] : tellOrphan(message, id, records);
    // After the answers to other calls of the same message.
    const next = messages[index + 1];
    if (isPlaced || (next?.role === "tool" && !called.includes(answeredId(next)[0] ?? ""))) return told;
    isPlaced = true;
    return [...told, ...answers];
  });
}

/** Puts back a call that the client left out: providers refuse an answer without its call. */
function tellOrphan(
  message: ChatMessage,
  id: string,
  records: ReadonlyMap<string, CallRecord>,
): readonly ChatMessage[] {
  const told = tellAnswer(message, id, records);
  const call = records.get(id)?.call;
  if (call === undefined) return [told];
  return [{ role: "assistant", content: null, tool_calls: [{ id, type: "function", function: call }] }, told];
}

/** Replaces a decision or a blank content by the outcome. A result that the client gave stays. */
function tellAnswer(message: ChatMessage, id: string, records: ReadonlyMap<string, CallRecord>): ChatMessage {
  const { content } = message;
  const outcome = records.get(id)?.outcome;
  if (isDecision(contentText(content))) return { ...message, content: outcome ?? NOT_KEPT };
  return outcome !== undefined && isBlank(content) ? { ...message, content: outcome } : message;
}

function answeredId({ role, tool_call_id: id }: ChatMessage): readonly string[] {
  return role === "tool" && typeof id === "string" && parseCallId(id) !== undefined ? [id] : [];
}

function isDecision(text: string): boolean {
  if (!text.includes("toolarium_decision")) return false;
  try {
    const value: unknown = parseJson(text);
    return isFields(value) && Object.hasOwn(value, "toolarium_decision");
  } catch {
    return false;
  }
}

/** Whether a content is empty. An image without words is not. */
export function isBlank(content: unknown): boolean {
  if (Array.isArray(content))
    return (
      content.every((part) => isFields(part) && part["type"] === "text") && contentText(content).trim() === ""
    );
  return typeof content === "string" ? content.trim() === "" : content === null || content === undefined;
}
