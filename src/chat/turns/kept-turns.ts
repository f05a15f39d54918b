/**
 * Reads the journal of a chat: the turns of the model, which the client never sees as such, the answers to their calls,
 * and which turns were the reply to which request.
 */

import type { JournalEventBody, RequestMark, TurnCall } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import { parseCallId } from "../../runs/record/ids.ts";
import type { Mark, RunState } from "../../runs/record/run-state.ts";
import type { TurnRecord } from "../../runs/record/turns.ts";
import {
  type ChatMessage,
  type Fields,
  type Image,
  images,
  isFields,
  type ToolCall,
} from "../../upstream/model.ts";
import type { KeptTurn } from "./kept-turn.ts";
import { imageKey } from "./result-images.ts";
import { assistantMessage, type Turn, toolMessage } from "./turn.ts";

/** The reply to one request: from its first event to the next request that resumed the chat. */
export interface Chapter {
  readonly start: number;
  /** The seq of its last event. */
  readonly end: number;
  readonly isLast: boolean;
  readonly request: RequestMark;
}

export function toTurnEvent(
  turn: Turn,
  calls: readonly TurnCall[],
): Extract<JournalEventBody, { readonly type: "turn" }> {
  const { reason, cut, response, choice, usage } = turn;
  return {
    type: "turn",
    message: JSON.stringify(assistantMessage(turn)),
    calls,
    usage: usage === null ? null : JSON.stringify(usage),
    finish: JSON.stringify({ reason, cut, response, choice }),
  };
}

/** The turns so far. Answers to calls are added as they come; each turn is parsed once and then cached. */
export function turnsOf({ turns }: Pick<RunState, "turns">): readonly KeptTurn[] {
  return turns.map((turn) => {
    const known = parsed.get(turn);
    if (known !== undefined) return known;
    const read = readTurn(turn);
    parsed.set(turn, read);
    return read;
  });
}

const parsed = new WeakMap<TurnRecord, KeptTurn>();

/** The recorded turns as messages for the model, with the answers to their calls. `seen`: see `resultImages`. */
export function hiddenMessages(
  turns: readonly KeptTurn[],
  seen: ReadonlyMap<string, readonly Image[]>,
): readonly ChatMessage[] {
  return turns.flatMap((turn) => {
    const answers = turn.calls.flatMap(({ id }) => {
      const answer = turn.answers.get(id);
      if (answer === undefined) return [];
      const shown = seen.get(imageKey(turn, id));
      const message = toolMessage(id, answer.parts ? parseJson(answer.content) : answer.content);
      return [shown === undefined ? message : { ...message, [images]: shown }];
    });
    return [assistantMessage(turn), ...answers];
  });
}

/** The client's messages before and after this run's turns, which are taken from the journal instead. */
export function withoutOwnTurns(
  messages: readonly ChatMessage[],
  run: string,
  turns: readonly KeptTurn[],
): { readonly before: readonly ChatMessage[]; readonly after: readonly ChatMessage[] } {
  const programs = turns.flatMap(({ places }) => places.flatMap((place) => place.run ?? []));
  const own = new Set([run, ...programs]);
  const first = messages.findIndex((message) =>
    callIdsOf(message).some((id) => own.has(parseCallId(id)?.runId ?? "")),
  );
  if (first === -1) return { before: messages, after: [] };
  const after = messages.slice(first).filter(({ role }) => role !== "assistant" && role !== "tool");
  return { before: messages.slice(0, first), after };
}

/** The ids of the calls in an assistant's message. */
export function callIdsOf(message: ChatMessage): readonly string[] {
  return callsOf(message).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
}

/** The calls in an assistant's message. */
export function callsOf({ role, tool_calls: calls }: ChatMessage): readonly Fields[] {
  return role === "assistant" && Array.isArray(calls) ? calls.filter(isFields) : [];
}

export function chaptersOf({ journal, spec }: Pick<CallRun, "journal" | "spec">): readonly Chapter[] {
  const { marks, last } = journal.state;
  const starts = marks.flatMap((mark) => {
    const request = requestOf(mark, spec);
    return request === undefined ? [] : [{ seq: mark.seq, request }];
  });
  return starts.map(({ seq, request }, index) => {
    const next = starts[index + 1];
    const end = next === undefined ? (last?.seq ?? 0) : endOfAnswer(marks, next.seq);
    return { start: seq, end, isLast: next === undefined, request };
  });
}

/** A reply ends where it paused: decisions between the pause and the client's next request are no part of it. */
function endOfAnswer(marks: readonly Mark[], next: number): number {
  const before = marks.filter(({ seq }) => seq < next);
  const began = before.findLastIndex(({ type }) => type !== "waiting" && type !== "ended");
  return before.slice(began).find(({ type }) => type === "waiting")?.seq ?? next - 1;
}

/** The last reply that began after this turn and before the next one. */
export function chapterAfter(run: Pick<CallRun, "journal" | "spec">, { seq }: KeptTurn): Chapter | undefined {
  const next = turnsOf(run.journal.state).find((turn) => turn.seq > seq);
  return chaptersOf(run).findLast(({ start }) => start > seq && (next === undefined || start < next.seq));
}

function requestOf(mark: Mark, { chat }: CallRun["spec"]): RequestMark | undefined {
  if (mark.type === "opened") return chat?.request;
  return mark.type === "resumed" ? mark.request : undefined;
}

function readTurn({ event, answers }: TurnRecord): KeptTurn {
  const { content, tool_calls: calls, role: _, ...fields } = parseJson(event.message) as Fields;
  const end = parseJson(event.finish) as Pick<Turn, "reason" | "cut" | "response" | "choice">;
  return {
    seq: event.seq,
    text: typeof content === "string" ? content : "",
    calls: Array.isArray(calls) ? calls.map(readCall) : [],
    fields,
    ...end,
    usage: event.usage === null ? null : (parseJson(event.usage) as Fields),
    places: event.calls,
    answers,
  };
}

function readCall(call: Fields): ToolCall {
  const { id, type: _, function: called, custom, ...fields } = call;
  if (custom !== undefined) {
    const { name, input } = custom as { readonly name: string; readonly input: string };
    return { id: String(id), name, arguments: input, fields, custom: true };
  }
  const { name, arguments: args } = called as { readonly name: string; readonly arguments: string };
  return { id: String(id), name, arguments: args, fields };
}
