/**
 * Programs that arrive escaped: inside JSON, in the many ways models wrap it, or with `
 * ` in place of line breaks.
 */

import { scanText } from "../syntax/lexical.ts";
import { authored, type Decoded, decode, joinSources, type SourceText } from "../syntax/source-text.ts";
import { type JsonPlace, placesOf } from "./json-places.ts";

/** Argument names that models use for a program, whichever one was asked for. */
const PROGRAM_NAMES: readonly string[] = [
  ...["code", "program", "script", "source", "source_code", "snippet"],
  ...["typescript", "typescript_code", "ts", "javascript", "javascript_code", "js"],
];
/** Names of the objects that wrap a call. */
const WRAPPER_NAMES: readonly string[] = [
  ...["arguments", "args", "parameters", "params", "input", "function", "run_code"],
  ...["function_call", "tool_call", "tool_calls", "tool_input"],
];

/**
 * The program in a text that is JSON. A text that may be a program of its own, like an object to be returned, is left
 * alone.
 */
export function decodeJsonCode(source: SourceText): SourceText | undefined {
  if (!/^\s*["[{]/.test(source.text)) return undefined;
  const root = placesOf(source.text);
  if (root === undefined) return undefined;
  if (root.type === "string") {
    const inner = decodeString(source, root);
    return decodeJsonCode(inner) ?? (startsAsCode(inner.text) ? inner : undefined);
  }
  const [first, second] = programsIn(root);
  if (first === undefined) return decodeWrapped(source, root);
  if (second !== undefined) return undefined;
  const program = decodeParts(source, first.parts);
  const isMeant = isCodeField(root) || (isWrapper(root) && looksLikeCode(program.text));
  return isMeant ? program : undefined;
}

/** `{ "name": "run_code", "arguments": "{\\"code\\": …}" }`: arguments that are JSON of their own. */
function decodeWrapped(source: SourceText, root: JsonPlace): SourceText | undefined {
  if (root.type !== "object") return undefined;
  const texts = membersNamed(root, WRAPPER_NAMES).map(([, value]) => value);
  const [only] = texts;
  return texts.length === 1 && only?.type === "string"
    ? decodeJsonCode(decodeString(source, only))
    : undefined;
}

/** The same for the arguments of a call that takes a program: any argument with such a name is the program. */
export function decodeCallArguments(text: string): string | undefined {
  const source = authored(text);
  const root = placesOf(text);
  if (root === undefined) return undefined;
  const decoded = root.type === "string" ? decodeString(source, root) : undefined;
  if (decoded !== undefined) return decodeCallArguments(decoded.text) ?? decoded.text;
  const [first, second] = programsIn(root);
  if (first === undefined) return decodeWrapped(source, root)?.text;
  return second === undefined ? decodeParts(source, first.parts).text : undefined;
}

interface ProgramPlace {
  /** Lines, or a single text. */
  readonly parts: readonly StringPlace[];
}

type StringPlace = Extract<JsonPlace, { type: "string" }>;

/** `code` is the program even beside others; without it, every argument with such a name is found. */
function programsIn(place: JsonPlace): readonly ProgramPlace[] {
  if (place.type === "array") return place.items.length === 1 ? place.items.flatMap(programsIn) : [];
  if (place.type !== "object") return [];
  const named = membersNamed(place, PROGRAM_NAMES);
  const code = named.filter(([name]) => name === "code");
  const found = (code.length > 0 ? code : named).flatMap(([, value]) => programAt(value));
  if (found.length > 0) return found;
  return membersNamed(place, WRAPPER_NAMES).flatMap(([, value]) => programsIn(value));
}

type JsonObject = Extract<JsonPlace, { type: "object" }>;

function membersNamed({ members }: JsonObject, names: readonly string[]): JsonObject["members"] {
  return members.filter(([name]) => names.includes(name.toLowerCase()));
}

function programAt(value: JsonPlace): readonly ProgramPlace[] {
  if (value.type === "string") return [{ parts: [value] }];
  if (value.type !== "array") return programsIn(value);
  const lines = value.items.filter((item) => item.type === "string");
  return lines.length === value.items.length && lines.length > 0 ? [{ parts: lines }] : [];
}

/** `{ "code": "…" }` and nothing else. */
function isCodeField(place: JsonPlace): boolean {
  if (place.type !== "object" || place.members.length !== 1) return false;
  const [first] = place.members;
  return first?.[0] === "code" && first[1].type === "string";
}

/** An object that contains only the program to run. */
function isWrapper(place: JsonPlace): boolean {
  if (place.type === "array") return place.items.every(isWrapper);
  if (place.type !== "object") return false;
  return place.members.every(([name]) => [...PROGRAM_NAMES, ...WRAPPER_NAMES, ...LABELS].includes(name));
}

const LABELS: readonly string[] = ["name", "id", "type", "language", "lang", "description", "title", "tool"];

function looksLikeCode(text: string): boolean {
  return /\b(?:return|await|const|let|function)\b|=>/.test(text);
}

/** A text of more than one statement, or a call: never a value that a model writes as a program. */
function startsAsCode(text: string): boolean {
  return (
    /^\s*(?:(?:const|let|var|return|await|async|function|import|export)\b|\/\/)/.test(text) &&
    /[;\n(]/.test(text)
  );
}

function decodeParts(source: SourceText, parts: readonly StringPlace[]): SourceText {
  return joinSources(parts.map((part) => decodeString(source, part)));
}

function decodeString(source: SourceText, { start, end }: StringPlace): SourceText {
  return decode(source, start, end, jsonEscapes(source.text, start, end));
}

const BROKEN_HEAD = new RegExp(
  `^\\s*\\{\\s*["'\`]?(?:${PROGRAM_NAMES.join("|")})["'\`]?\\s*:\\s*(["'\`])`,
  "i",
);

/** `{"code": "return "x""}`: inner quotes that were not escaped. The program is the text between the outermost ones. */
export function sliceBrokenJson(text: string): { readonly start: number; readonly end: number } | undefined {
  const head = BROKEN_HEAD.exec(text);
  const quote = head?.[1];
  if (head === null || quote === undefined || placesOf(text) !== undefined) return undefined;
  const start = head[0].length;
  const closed = text.trimEnd();
  const end = closed.slice(0, -1).trimEnd().length - 1;
  const isClosed = closed.endsWith("}") && end > start && text[end] === quote;
  // An escaped last quote is an inner one: the text was cut there.
  return isClosed && !/(?<!\\)(?:\\\\)*\\$/.test(text.slice(start, end)) ? { start, end } : undefined;
}

/** Whether a text begins as JSON with a program in it and stops before the program's end. */
export function isCutOffJson(text: string): boolean {
  return BROKEN_HEAD.test(text) && !text.trimEnd().endsWith("}");
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function jsonEscapes(text: string, start: number, end: number): readonly Decoded[] {
  const escapes: Decoded[] = [];
  for (const found of text.slice(start, end).matchAll(/\\(?:u[\da-fA-F]{4}|[^u])/g)) {
    const at = start + found.index;
    const decoded = readJson(`"${found[0]}"`);
    if (typeof decoded === "string") escapes.push({ start: at, end: at + found[0].length, text: decoded });
  }
  return escapes;
}

/**
 * Readings of a text whose line breaks are written `
 * `, most careful first: only those outside strings; then, if quotes are escaped outside strings too, the whole text
 * unescaped.
 */
export function* decodeEscapes(source: SourceText): Generator<SourceText> {
  const { text } = source;
  if (!/\\[nr]/.test(text)) return;
  const stray = scanText(text, true).strayBackslashes;
  const breaks = stray.flatMap((at): readonly Decoded[] => {
    const decoded = WHITESPACE.get(text[at + 1] ?? "");
    return decoded === undefined ? [] : [{ start: at, end: at + 2, text: decoded }];
  });
  if (breaks.length > 0) yield decode(source, 0, text.length, breaks);
  if (stray.some((at) => text[at + 1] === '"' || text[at + 1] === "'"))
    yield decode(source, 0, text.length, jsonEscapes(text, 0, text.length));
}

const WHITESPACE: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
