/** The message of an answer, from its deltas or whole: text, calls, and fields that the port does not define. */
import { type Fields, isFields, type ModelEvent, restFields } from "../model.ts";
import type { FailingProvider } from "../provider/provider-error.ts";
import { createToolCallReader } from "./tool-call-reader.ts";

export interface MessageReader {
  /** `isClosing`: the finish reason has come, so this may repeat the whole message. */
  accept(choice: Fields, isClosing: boolean): readonly ModelEvent[];
  /** The parts that were held back. */
  end(): readonly ModelEvent[];
  readonly hasCalls: boolean;
}

const CHOICE_FIELDS: ReadonlySet<string> = new Set([
  ...["index", "delta", "message", "text", "finish_reason", "usage", "error"],
]);
const MESSAGE_FIELDS: ReadonlySet<string> = new Set(["role", "content", "tool_calls", "usage"]);

/** Most characters of one part: a longer one is passed on in several, so that no reader has too much work at once. */
const MAX_PART_CHARS = 256 * 1024;

/** `tools`: the names of the offered tools. */
export function createMessageReader(provider: FailingProvider, tools: Iterable<string>): MessageReader {
  const calls = createToolCallReader(provider, tools);
  const text = createSaid();
  const fields = new Map<string, Said>();

  const newFields = (message: Fields, isWhole: boolean, isClosing: boolean): Fields =>
    Object.fromEntries(
      Object.entries(restFields(message, MESSAGE_FIELDS)).flatMap(([name, value]) => {
        const said = fields.get(name) ?? createSaid();
        const isKnown = fields.has(name);
        fields.set(name, said);
        if (isEmptyCall(name, value) || (isWhole && isKnown && typeof value !== "string")) return [];
        if (typeof value !== "string") return [[name, value]];
        const rest = said.add(value, isWhole, isClosing);
        return rest === "" ? [] : [[name, rest]];
      }),
    );

  return {
    accept(choice, isClosing) {
      const { message, isWhole } = messageOf(choice);
      const { said, thought } = readContent(message["content"]);
      const own = thought === "" ? message : { reasoning_content: thought, ...message };
      const extra = {
        message: newFields(own, isWhole, isClosing),
        choice: restFields(choice, CHOICE_FIELDS),
      };
      const hasExtra = Object.keys(extra.message).length + Object.keys(extra.choice).length > 0;
      const entries = message["tool_calls"];
      return [
        ...(hasExtra ? [{ type: "extra" as const, ...extra }] : []),
        ...inParts(text.add(said, isWhole, isClosing)).map((part) => ({
          type: "text-delta" as const,
          text: part,
        })),
        ...calls.accept(listOf(entries), isWhole || isClosing).flatMap(splitArguments),
      ];
    },
    end: () => calls.end().flatMap(splitArguments),
    get hasCalls() {
      return calls.any;
    },
  };
}

/** The state of one text so far. */
interface Said {
  /** Takes a delta, or the whole text, and returns its new part. */
  add(piece: string, isWhole: boolean, isClosing: boolean): string;
}

/** From this length on, a piece that equals all text before it is a repetition, not chance. */
const SURELY_AGAIN_CHARS = 16;

function createSaid(): Said {
  let said = "";
  let pieces = 0;
  /** Compares only texts of equal length, to save time. */
  const isAgain = (piece: string, isClosing: boolean): boolean =>
    piece.length === said.length &&
    (piece.length >= SURELY_AGAIN_CHARS ? isClosing || pieces > 1 : isClosing && pieces > 1) &&
    piece === said;
  const restOf = (piece: string, isWhole: boolean, isClosing: boolean): string => {
    if (pieces === 0) return piece;
    if (!isWhole) return isAgain(piece, isClosing) ? "" : piece;
    if (piece.length >= said.length && piece.startsWith(said)) return piece.slice(said.length);
    // The whole text comes without the blanks around it.
    return said.length - piece.length < SURELY_AGAIN_CHARS && said.trim() === piece.trim() ? "" : piece;
  };
  return {
    add(piece, isWhole, isClosing) {
      if (piece === "") return "";
      const rest = restOf(piece, isWhole, isClosing);
      said += rest;
      pieces += rest === "" ? 0 : 1;
      return rest;
    },
  };
}

/** A delta, or the message in its place. `isWhole`: it starts from the beginning. */
function messageOf(choice: Fields): { readonly message: Fields; readonly isWhole: boolean } {
  const { delta, message, text } = choice;
  if (isFields(delta) && (Object.keys(delta).length > 0 || !isFields(message)))
    return { message: delta, isWhole: false };
  if (isFields(message)) return { message, isWhole: true };
  return { message: typeof text === "string" ? { content: text } : {}, isWhole: false };
}

/** Text and thoughts of a content: a text, or parts of which some are marked as thoughts. */
function readContent(content: unknown): { readonly said: string; readonly thought: string } {
  if (typeof content === "string") return { said: content, thought: "" };
  let said = "";
  let thought = "";
  for (const part of listOf(content)) {
    if (typeof part === "string") said += part;
    if (!isFields(part)) continue;
    const isThought = typeof part["type"] === "string" && /think|reason/.test(part["type"]);
    if (isThought) thought += textOf(part["thinking"]) + textOf(part["reasoning"]) + textOf(part["text"]);
    else said += textOf(part["text"]);
  }
  return { said, thought };
}

/** A text, the text of a part, or the texts of a list of parts. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return listOf(value)
    .map((part) => (isFields(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isFields(value) ? [value] : [];
}

/** An empty call in the old form, without name and arguments; some providers add it to every answer. */
function isEmptyCall(name: string, value: unknown): boolean {
  return name === "function_call" && isFields(value) && !value["name"] && !value["arguments"];
}

function splitArguments(event: ModelEvent): readonly ModelEvent[] {
  if (event.type !== "tool-call-arguments" || event.text.length <= MAX_PART_CHARS) return [event];
  return inParts(event.text).map((text) => ({ ...event, text }));
}

/** No part ends inside a surrogate pair. */
function inParts(text: string): readonly string[] {
  if (text === "") return [];
  if (text.length <= MAX_PART_CHARS) return [text];
  const parts: string[] = [];
  for (let start = 0; start < text.length; ) {
    const cut = start + MAX_PART_CHARS;
    const end = isLeadSurrogate(text.charCodeAt(cut - 1)) ? cut + 1 : cut;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function isLeadSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
