/**
 * Puts together the tool calls of a streamed answer. Providers leave out indexes, ids and types, repeat names, give
 * every call the index 0 or send arguments as objects; what comes out is always well-formed.
 */
import { randomBytes } from "node:crypto";
import { type Fields, isFields, type ModelEvent, restFields } from "./model.ts";

export interface ToolCallReader {
  /** Takes one entry of `delta.tool_calls` (or of a whole message's `tool_calls`). */
  accept(entry: unknown): readonly ModelEvent[];
  /** True once a call was begun. */
  readonly any: boolean;
  /** True when a call has begun whose name never came. */
  readonly anyNameless: boolean;
}

interface OpenCall {
  readonly index: number;
  /** The index and id the provider gave, where it gave one. */
  readonly theirIndex: number | undefined;
  readonly givenId: string | undefined;
  /** The provider's, or one of ours when it gave none, or one that another call has. */
  readonly id: string;
  name: string | undefined;
  arguments: string;
}

const ENTRY_FIELDS: ReadonlySet<string> = new Set(["index", "id", "type", "function", "custom"]);

export function createToolCallReader(): ToolCallReader {
  const calls: OpenCall[] = [];
  return {
    accept: (entry) => (isFields(entry) ? acceptEntry(calls, entry) : []),
    get any() {
      return calls.length > 0;
    },
    get anyNameless() {
      return calls.some((call) => call.name === undefined);
    },
  };
}

/** `call_` and 24 hex digits: never the form of an id that stands for a pending call of ours. */
export function newCallId(): string {
  return `call_${randomBytes(12).toString("hex")}`;
}

function acceptEntry(calls: OpenCall[], entry: Fields): ModelEvent[] {
  const isCustom = isFields(entry["custom"]);
  const called = isFields(entry["custom"])
    ? entry["custom"]
    : isFields(entry["function"])
      ? entry["function"]
      : {};
  const name = textOf(called["name"]);
  const call = findCall(calls, entry, name) ?? beginCall(calls, entry);
  const text = argumentsText(called[isCustom ? "input" : "arguments"]);
  call.arguments += text;

  if (call.name !== undefined) return text === "" ? [] : [argumentsEvent(call.index, text)];
  if (name === undefined) return [];
  call.name = name;
  const fields = restFields(entry, ENTRY_FIELDS);
  const start: ModelEvent = {
    type: "tool-call-start",
    index: call.index,
    id: call.id,
    name,
    fields,
    ...(isCustom ? { custom: true } : {}),
  };
  return call.arguments === "" ? [start] : [start, argumentsEvent(call.index, call.arguments)];
}

/** The call that an entry continues; undefined when it begins one. */
function findCall(calls: readonly OpenCall[], entry: Fields, name: string | undefined): OpenCall | undefined {
  const id = textOf(entry["id"]);
  const index = entry["index"];
  const last = calls.at(-1);
  const sameId = id === undefined ? undefined : calls.find((call) => call.givenId === id);
  // Some give all calls of a turn one id: then the index tells them apart.
  if (sameId !== undefined && !isAnotherIndex(sameId.theirIndex, index)) return sameId;
  if (typeof index === "number") {
    const sameIndex = calls.findLast((call) => call.theirIndex === index);
    const another = id !== undefined && name !== undefined && sameIndex?.name !== undefined;
    return another ? undefined : sameIndex;
  }
  if (id !== undefined) return undefined;
  // Neither index nor id: a name begins a call, unless it only repeats that of a call whose arguments go on.
  if (name === undefined) return last;
  return last?.name === name && !isJson(last.arguments) ? last : undefined;
}

function isAnotherIndex(known: number | undefined, index: unknown): boolean {
  return known !== undefined && typeof index === "number" && known !== index;
}

function beginCall(calls: OpenCall[], entry: Fields): OpenCall {
  const index = entry["index"];
  const givenId = textOf(entry["id"]);
  const isTaken = givenId === undefined || calls.some(({ id }) => id === givenId);
  const call: OpenCall = {
    index: calls.length,
    theirIndex: typeof index === "number" ? index : undefined,
    givenId,
    id: isTaken ? newCallId() : givenId,
    name: undefined,
    arguments: "",
  };
  calls.push(call);
  return call;
}

function argumentsEvent(index: number, text: string): ModelEvent {
  return { type: "tool-call-arguments", index, text };
}

function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return isFields(value) ? JSON.stringify(value) : "";
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
