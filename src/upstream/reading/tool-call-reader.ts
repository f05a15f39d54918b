/**
 * Assembles the tool calls of an answer. Providers leave out indexes, ids and types, give every call the index 0, send
 * names in pieces or repeatedly, and arguments as objects or twice. The output is always well-formed.
 */
import { randomBytes } from "node:crypto";
import { type Fields, isFields, type ModelEvent, restFields } from "../model.ts";
import { brokenAnswer, type FailingProvider } from "../provider/provider-error.ts";
import { type CallArguments, createCallArguments, isStandIn } from "./call-arguments.ts";
import { type CallNames, createCallNames } from "./call-names.ts";

export interface ToolCallReader {
  /**
   * Takes the entries of one `tool_calls`. `mayRepeat`: they may repeat all calls, as at the end of a stream.
   *
   * @throws `upstream_error` for more calls, or a longer name, than any model means
   */
  accept(entries: readonly unknown[], mayRepeat: boolean): readonly ModelEvent[];
  /** The parts that were held back. @throws `upstream_error` when a call never got a name */
  end(): readonly ModelEvent[];
  /** True once a call has begun. */
  readonly any: boolean;
}

interface OpenCall {
  /** The provider's index and id, where it sent them. */
  readonly theirIndex: number | undefined;
  givenId: string | undefined;
  readonly isCustom: boolean;
  readonly arguments: CallArguments;
  name: string;
  fields: Fields;
  /** Its index in the output; undefined while its name may be incomplete. */
  index: number | undefined;
  /** Arguments held back until then. */
  waiting: string;
}

interface Entry {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly text: string;
  readonly isCustom: boolean;
  readonly fields: Fields;
}

const ENTRY_FIELDS: ReadonlySet<string> = new Set(["index", "id", "type", "function", "custom"]);
/** Most calls in one turn: each is answered before the model continues. */
export const MAX_CALLS = 256;
const MAX_NAME_CHARS = 1_024;

/** `names`: those of the offered tools. */
export function createToolCallReader(
  provider: FailingProvider,
  names: Iterable<string> = [],
): ToolCallReader {
  const calls: OpenCall[] = [];
  const known = createCallNames(names);
  const byIndex = new Map<number, OpenCall>();
  const byId = new Map<string, OpenCall>();
  const ids = new Set<string>();
  let started = 0;

  const start = (call: OpenCall): ModelEvent[] => {
    if (call.index !== undefined || call.name === "") return [];
    call.index = started;
    started += 1;
    const { index, fields, isCustom, waiting, givenId } = call;
    const id = givenId === undefined || ids.has(givenId) ? newCallId() : givenId;
    ids.add(id);
    call.waiting = "";
    const name = known.correct(call.name);
    const custom = isCustom ? { custom: true as const } : {};
    return [
      { type: "tool-call-start", index, id, name, fields, ...custom },
      ...(waiting === "" ? [] : [{ type: "tool-call-arguments" as const, index, text: waiting }]),
    ];
  };
  const startAll = (): ModelEvent[] => (started === calls.length ? [] : calls.flatMap(start));
  const begin = (entry: Entry): OpenCall => {
    if (calls.length === MAX_CALLS)
      throw brokenAnswer(provider, `called more than ${MAX_CALLS} tools in one turn`);
    const call: OpenCall = {
      theirIndex: entry.index,
      givenId: entry.id,
      isCustom: entry.isCustom,
      arguments: createCallArguments(entry.isCustom),
      ...{ name: "", fields: {}, index: undefined, waiting: "" },
    };
    calls.push(call);
    if (entry.index !== undefined) byIndex.set(entry.index, call);
    if (entry.id !== undefined && !byId.has(entry.id)) byId.set(entry.id, call);
    return call;
  };
  const send = (call: OpenCall, text: string): ModelEvent[] => {
    if (text === "") return [];
    if (call.index !== undefined) return [{ type: "tool-call-arguments", index: call.index, text }];
    call.waiting += text;
    return [];
  };
  const go = (call: OpenCall, entry: Entry): ModelEvent[] => {
    if (call.index === undefined) {
      call.givenId ??= entry.id;
      if (entry.name !== undefined) call.name = known.join(call.name, entry.name, false) ?? call.name;
      if (call.name.length > MAX_NAME_CHARS)
        throw brokenAnswer(provider, `called a tool by a name of more than ${MAX_NAME_CHARS} characters`);
      if (Object.keys(entry.fields).length > 0) call.fields = { ...call.fields, ...entry.fields };
    }
    const sent = send(call, call.arguments.add(entry.text));
    // Once arguments come without a name, the name is complete.
    const isNamed = known.isWhole(call.name) || (entry.name === undefined && entry.text !== "");
    if (call.index === undefined) return isNamed ? start(call) : sent;
    return [...sent, ...lateFields(call, call.index, entry.fields)];
  };

  return {
    accept(list, mayRepeat) {
      const entries = list.flatMap(readEntry);
      if (mayRepeat && isWholeAgain(calls, entries))
        return entries.flatMap((entry, at) => {
          const call = calls[at];
          return call === undefined
            ? [...startAll(), ...go(begin(entry), entry)]
            : go(call, { ...entry, text: call.arguments.restOf(entry.text) ?? entry.text });
        });
      const touched = new Set<OpenCall>();
      return entries.flatMap((entry) => {
        const found = findCall({ byId, byIndex, last: calls.at(-1) }, entry);
        const isNext = found !== undefined && beginsAnother(found, entry, { known, touched });
        const earlier = found === undefined || isNext ? startAll() : [];
        const call = found === undefined || isNext ? begin(entry) : found;
        touched.add(call);
        return [...earlier, ...go(call, entry)];
      });
    },
    end() {
      if (calls.some(({ name }) => name === ""))
        throw brokenAnswer(provider, "called a tool without naming it");
      return [...startAll(), ...calls.flatMap((call) => send(call, call.arguments.release()))];
    },
    get any() {
      return calls.length > 0;
    },
  };
}

/** Thought signatures may come with any delta of a call, the last one included, and repeatedly. */
function lateFields(call: OpenCall, index: number, fields: Fields): ModelEvent[] {
  const news = Object.entries(fields).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(call.fields[name]),
  );
  if (news.length === 0) return [];
  const added = Object.fromEntries(news);
  call.fields = { ...call.fields, ...added };
  return [{ type: "tool-call-fields", index, fields: added }];
}

/** `call_` and 24 hex digits: never the form of an id for one of our pending calls. */
export function newCallId(): string {
  return `call_${randomBytes(12).toString("hex")}`;
}

function readEntry(entry: unknown): Entry[] {
  if (!isFields(entry)) return [];
  const isCustom = isFields(entry["custom"]);
  const called = [entry["custom"], entry["function"]].find(isFields) ?? {};
  const index = entry["index"];
  return [
    {
      index: typeof index === "string" && /^\d{1,6}$/.test(index) ? Number(index) : numberOf(index),
      id: textOf(entry["id"]),
      name: textOf(called["name"]),
      text: argumentsText(called[isCustom ? "input" : "arguments"]),
      isCustom,
      fields: restFields(entry, ENTRY_FIELDS),
    },
  ];
}

/** The call that an entry continues; undefined when it begins a new one. */
function findCall(
  {
    byId,
    byIndex,
    last,
  }: {
    readonly byId: ReadonlyMap<string, OpenCall>;
    readonly byIndex: ReadonlyMap<number, OpenCall>;
    readonly last: OpenCall | undefined;
  },
  { id, index }: Entry,
): OpenCall | undefined {
  const sameId = id === undefined ? undefined : byId.get(id);
  // Some providers give all calls of a turn the same id: then the index distinguishes them.
  const isElsewhere = sameId?.theirIndex !== undefined && index !== undefined && sameId.theirIndex !== index;
  if (sameId !== undefined && !isElsewhere) return sameId;
  if (index !== undefined) return byIndex.get(index);
  return id === undefined ? last : undefined;
}

/** Whether an entry begins another call than the one that its index or id names. An entry without a name never does. */
function beginsAnother(
  call: OpenCall,
  { id, index, name, text }: Entry,
  { known, touched }: { readonly known: CallNames; readonly touched: ReadonlySet<OpenCall> },
): boolean {
  if (name === undefined || call.name === "") return false;
  const goesOn = call.arguments.isOpen && !/^\s*\{/.test(text);
  const isSameName = name === call.name;
  // One list contains each call once.
  if (touched.has(call)) return !(goesOn && isSameName);
  const { givenId } = call;
  // Some providers give each piece a new id.
  if (id !== undefined && givenId !== undefined && id !== givenId && id !== givenId + givenId)
    return !(goesOn && isSameName);
  if (!isSameName) return known.join(call.name, name, call.arguments.isWhole) === undefined;
  if (!call.arguments.isWhole) return false;
  // A repetition of the whole call, or the next call of the same tool.
  if (id === undefined && index === undefined) return true;
  if (text === "" || call.arguments.isVacant || isStandIn(text)) return false;
  return !call.arguments.isRepeatedBy(text);
}

/** Whether the entries repeat all calls from their beginning. */
function isWholeAgain(calls: readonly OpenCall[], entries: readonly Entry[]): boolean {
  if (calls.length === 0 || entries.length < calls.length) return false;
  return calls.every((call, at) => {
    const entry = entries[at];
    if (entry === undefined || (entry.name !== undefined && entry.name !== call.name)) return false;
    return call.arguments.restOf(entry.text) !== undefined;
  });
}

function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  // Some languages write an object without fields as a list.
  if (Array.isArray(value)) return value.length === 0 ? "{}" : JSON.stringify(value);
  return isFields(value) ? JSON.stringify(value) : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
