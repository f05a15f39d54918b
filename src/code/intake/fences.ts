/** Markdown code fences in a model's text: the ranges of the blocks, and the languages they claim. */

import { scanText } from "../syntax/lexical.ts";
import { lineStarts, positionAt } from "../syntax/source-text.ts";
import { isDataLanguage, isLanguage, isProgramLanguage } from "./fence-languages.ts";

export interface Fence {
  /** First word after the marker, lower case; empty when there is none. */
  readonly language: string;
  /** Offsets of the block's content, markers excluded. */
  readonly start: number;
  readonly end: number;
  readonly closed: boolean;
}

export function claimsProgram(fence: Fence): boolean {
  return isProgramLanguage(fence.language);
}

export function claimsData(fence: Fence): boolean {
  return isDataLanguage(fence.language);
}

/** Bounded because each block is parsed; no model splits one program into so many. */
export const MAX_BLOCKS = 20;

/**
 * The blocks, in order, at most one more than `MAX_BLOCKS`. A block without a closing marker reaches to the end of the
 * text. A closing marker may end a line of code, and prose may follow it.
 */
export function findFences(text: string): readonly Fence[] {
  const lines = linesOf(text);
  const fences: Fence[] = [];
  for (let line = 0; line < lines.count && fences.length <= MAX_BLOCKS; ) {
    const fence = inlineAt(lines, line) ?? blockAt(text, lines, line);
    if (fence !== undefined) fences.push(fence);
    line = fence === undefined ? line + 1 : nextLine(lines, fence, line);
  }
  return fences;
}

interface Lines {
  readonly count: number;
  startOf(line: number): number;
  /** Without its line break. */
  textOf(line: number): string;
  lineOf(offset: number): number;
}

function linesOf(text: string): Lines {
  const starts = lineStarts(text);
  const startOf = (line: number): number => starts[line] ?? text.length;
  return {
    count: starts.length,
    startOf,
    textOf: (line) => text.slice(startOf(line), startOf(line + 1)).replace(/[\n\r\u2028\u2029]+$/, ""),
    lineOf: (offset) => positionAt(starts, offset).line - 1,
  };
}

/** The line at which the search continues: the line that closes one block may open another. */
function nextLine(lines: Lines, { end }: Fence, opened: number): number {
  const line = lines.lineOf(end);
  if (line <= opened) return opened + 1;
  return isLanguage(openingAt(lines, line)?.language ?? "") ? line : line + 1;
}

/** Blanks and invisible characters. */
const BLANK = "[\\s\\u200b-\\u200f\\u2060\\ufeff]";
const LIST_ITEM = "(?:(?:[-*>]|\\d+\\.)[ \\t]+)?";
const MARKER = new RegExp(`^${BLANK}*${LIST_ITEM}(\`{3,}|~{3,})([^\`]*)$`);
const INLINE = new RegExp(`^${BLANK}*${LIST_ITEM}(\`{3,})([a-z]+(?=[ \\t]))?`, "i");

/** A block on one line: three backticks, perhaps a language, the code, three backticks. */
function inlineAt(lines: Lines, line: number): Fence | undefined {
  const written = lines.textOf(line);
  const [opening, marker, language = ""] = INLINE.exec(written) ?? [];
  if (opening === undefined || marker === undefined) return undefined;
  const end = written.indexOf(marker, opening.length);
  if (end < 0) return undefined;
  const at = lines.startOf(line);
  return { language: language.toLowerCase(), start: at + opening.length, end: at + end, closed: true };
}

interface Opening {
  readonly marker: string;
  readonly label: string;
  readonly language: string;
  /** Start of the content. */
  readonly start: number;
}

function openingAt(lines: Lines, line: number): Opening | undefined {
  const written = lines.textOf(line);
  const [, marker, label = ""] = MARKER.exec(written) ?? [];
  if (marker === undefined) return undefined;
  const [, name = "", rest = ""] = /^\s*[{.]*([\w+#-]*)(.*)$/.exec(label) ?? [];
  // `title="x"` is an attribute of a block without a language.
  const language = rest.startsWith("=") ? "" : name.toLowerCase();
  const start = isProgramLanguage(language) && isCode(rest.trim()) ? written.length - rest.length : undefined;
  return {
    ...{ marker, label, language },
    start: start === undefined ? lines.startOf(line + 1) : lines.startOf(line) + start,
  };
}

/** Whether the text after the language is the first line of the program, rather than the block's attributes. */
function isCode(text: string): boolean {
  return STATEMENT.test(text) || /[;({]$/.test(text);
}

const STATEMENT =
  /^(?:(?:const|let|var|return|await|async|function|import|export|if|for|while|try|throw|class)\b|\/\/|\/\*)/;

function blockAt(text: string, lines: Lines, line: number): Fence | undefined {
  const opened = openingAt(lines, line);
  if (opened === undefined) return undefined;
  const { language, start } = opened;
  const marked = closingLine(lines, line + 1, opened);
  const end = ticksIn(text, opened, marked ?? text.length) ?? marked;
  return end === undefined ? unclosed(text, language, start) : { language, start, end, closed: true };
}

/** The start of the first line that contains only the marker. */
function closingLine(lines: Lines, from: number, { marker }: Opening): number | undefined {
  for (let line = from; line < lines.count; line += 1) {
    const found = openingAt(lines, line);
    if (found?.marker.startsWith(marker) && ONLY_BLANKS.test(found.label)) return lines.startOf(line);
  }
  return undefined;
}

const ONLY_BLANKS = new RegExp(`^${BLANK}*$`);

/** The first three or more backticks outside strings and comments: no program tags a template with a template. */
function ticksIn(text: string, { marker, language, start }: Opening, end: number): number | undefined {
  if (!marker.startsWith("`") || (language !== "" && !isProgramLanguage(language))) return undefined;
  const { ticksAt } = scanText(text.slice(start, end));
  return ticksAt !== undefined && text.startsWith(marker, start + ticksAt) ? start + ticksAt : undefined;
}

/** The closing marker may stand at the end of the last line of code. */
function unclosed(text: string, language: string, start: number): Fence {
  let end = text.trimEnd().length;
  const marker = text[end - 1];
  const marked =
    end - start >= 3 && (marker === "`" || marker === "~") && text.endsWith(marker.repeat(3), end);
  if (marked) while (end > start && text[end - 1] === marker) end -= 1;
  return { language, start, end: marked ? end : text.length, closed: false };
}
