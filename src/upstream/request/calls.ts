/**
 * Calls of earlier turns and their results. Providers refuse a conversation in which a call lacks a result, a result
 * lacks a call, other messages separate them, a name is invalid, or arguments are not JSON. One such message would
 * block the chat for good.
 */
import { parseJson } from "../../json.ts";
import { type ChatMessage, type Fields, isFields } from "../model.ts";
import { createCallIds } from "./call-ids.ts";
import type { Traits } from "./quirk.ts";

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const NO_RESULT = JSON.stringify({ error: { message: "There is no result of this call." } });

/**
 * Puts the results directly after the message that made the calls, in the calls' order; messages in between move behind
 * them. A missing result is replaced by one that says so. A result without a call is left out.
 */
export function pairCalls(
  messages: readonly ChatMessage[],
  tools: readonly Fields[],
  traits: Traits,
): readonly ChatMessage[] {
  const offered = new Set(tools.map(nameOf));
  const idFor = createCallIds(traits.callIds);
  const paired: ChatMessage[] = [];
  for (let at = 0; at < messages.length; ) {
    const message = messages[at] as ChatMessage;
    at += 1;
    const calls = callsOf(message);
    if (calls.length === 0) {
      if (message.role !== "tool") paired.push(withoutCalls(message));
      continue;
    }
    const next = messages.slice(at).findIndex(({ role }) => role === "assistant");
    const end = next === -1 ? messages.length : at + next;
    const following = messages.slice(at, end);
    at = end;
    const results = resultsOf(calls, following);
    const sent = calls.map((call, index) =>
      repairCall(call, idFor(call["id"]), offered, index === 0, traits),
    );
    paired.push(
      { ...message, tool_calls: sent },
      ...sent.map((call, index) => resultMessage(call, results[index], traits)),
      ...following.filter(({ role }) => role !== "tool"),
    );
  }
  return paired;
}

function callsOf({ role, tool_calls: calls }: ChatMessage): readonly Fields[] {
  if (role !== "assistant" || !Array.isArray(calls)) return [];
  return calls.filter((call) => isFields(call) && (isFields(call["function"]) || isFields(call["custom"])));
}

/** Many providers refuse an empty list of calls. */
function withoutCalls(message: ChatMessage): ChatMessage {
  if (!("tool_calls" in message)) return message;
  const { tool_calls: _, ...rest } = message;
  return rest;
}

/**
 * Matches results by id, the first to the first of equal ids. Results with unknown ids are assigned in order, if there
 * is exactly one for each call without a result.
 */
function resultsOf(
  calls: readonly Fields[],
  following: readonly ChatMessage[],
): readonly (ChatMessage | undefined)[] {
  const results = following.filter(({ role }) => role === "tool");
  const found = calls.map(({ id }) => {
    const at = results.findIndex((result) => result["tool_call_id"] === id);
    return at === -1 ? undefined : results.splice(at, 1)[0];
  });
  const known = new Set(calls.map(({ id }) => id));
  const strays = results.filter((result) => !known.has(result["tool_call_id"]));
  const open = found.filter((result) => result === undefined).length;
  return strays.length === open ? found.map((result) => result ?? strays.shift()) : found;
}

function resultMessage(call: Fields, result: ChatMessage | undefined, { toolNames }: Traits): ChatMessage {
  const { name: _, ...rest } = result ?? { role: "tool", content: NO_RESULT };
  return { ...rest, role: "tool", tool_call_id: call["id"], ...(toolNames ? { name: nameOf(call) } : {}) };
}

function repairCall(
  call: Fields,
  id: string,
  offered: ReadonlySet<string | undefined>,
  isFirst: boolean,
  traits: Traits,
): Fields {
  // `index` belongs to deltas; some clients keep it.
  const { index: _, ...fields } = call;
  const custom = fields["custom"];
  if (isFields(custom))
    return { ...fields, id, custom: { ...custom, name: repairName(custom["name"], offered) } };
  const called = fields["function"] as Fields;
  return {
    ...(traits.messageFields === "all" ? fields : {}),
    ...(isFirst ? signatureFor(fields, traits) : {}),
    id,
    type: "function",
    function: { name: repairName(called["name"], offered), arguments: repairArguments(called["arguments"]) },
  };
}

/** An invalid name that a model made up; its result has told the model so. */
function repairName(name: unknown, offered: ReadonlySet<string | undefined>): string {
  const said = typeof name === "string" ? name : "";
  if (NAME.test(said) || offered.has(said)) return said;
  return said.replace(/[^a-zA-Z0-9_-]+/g, "_").slice(0, 64) || "unnamed";
}

/** Always a JSON object: the written one if it is valid, else one that contains the written text. */
function repairArguments(written: unknown): string {
  if (isFields(written)) return JSON.stringify(written);
  if (typeof written !== "string" || written.trim() === "") return "{}";
  try {
    const value = parseJson(written);
    if (isFields(value)) return written;
    if (typeof value === "string" && isFields(parseOrUndefined(value))) return value;
    return value === null ? "{}" : JSON.stringify({ arguments: value });
  } catch {
    return JSON.stringify({ invalid_json: written });
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function signatureFor({ extra_content: extra }: Fields, { signature }: Traits): Fields {
  const google = isFields(extra) && isFields(extra["google"]) ? extra["google"] : {};
  if (signature === null || typeof google["thought_signature"] === "string") return {};
  return {
    extra_content: { ...(isFields(extra) ? extra : {}), google: { ...google, thought_signature: signature } },
  };
}

function nameOf(tool: Fields): string | undefined {
  const named = tool["function"] ?? tool["custom"];
  return isFields(named) && typeof named["name"] === "string" ? named["name"] : undefined;
}
