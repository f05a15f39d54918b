/** The ways to read a text as a program: as it is, as one expression, without a label or backticks, or unescaped. */
import type { Rewrite } from "../entry/given-names.ts";
import { scanText } from "../syntax/lexical.ts";
import {
  type Expression,
  type Program,
  parseProgram,
  parseWholeExpression,
  type SyntaxFault,
} from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { originOf, type SourceText } from "../syntax/source-text.ts";
import { syntaxHint, syntaxMessage } from "./syntax-hints.ts";
import {
  isQuotedProgram,
  startsWithLabel,
  withoutInvisibles,
  withoutLabel,
  withoutTicks,
} from "./trimmings.ts";
import { decodeEscapes } from "./unescape.ts";

export interface Refused {
  readonly ok: false;
  readonly code: "syntax_error" | "source_too_large";
  readonly message: string;
  readonly hint?: string;
  /** An offset in the author's text. */
  readonly offset: number;
}

/** Deepest nesting of brackets: beyond it, type checkers go from milliseconds to seconds. */
const MAX_DEPTH = 100;
/** Unary operators in a row: each one is a level of recursion in every parser. */
const MAX_UNARY_RUN = 64;

/** A text that could be read as a program. */
export interface Reading extends SourceText {
  /** An expression when the text alone is not a program, like an anonymous function. */
  readonly root: Program | Expression;
  readonly notes: readonly Remark[];
}

export type ReadResult =
  | { readonly ok: true; readonly reading: Reading; readonly fenced: boolean }
  | { readonly ok: false; readonly refused: Refused };

/**
 * Tries the ways to read a text as a program, plainest first. The first failure is the one reported. `stretch` is the
 * part of the text that counts; everything outside is blank.
 */
export function readText(source: SourceText, stretch: string, sourceBytes: number): ReadResult {
  const excess = excessOf(source, stretch, sourceBytes);
  if (excess !== undefined) return { ok: false, refused: excess };
  const visible = withoutInvisibles(source);
  const notes = visible === undefined ? [] : [sayRepair("Invisible characters were left out.")];
  return readVisible(visible ?? source, notes, sourceBytes);
}

function readVisible(source: SourceText, notes: readonly Remark[], sourceBytes: number): ReadResult {
  const plain = readPlain(source, notes);
  if (plain.ok && !isSwallowedByComment(plain.reading)) return readTrimmed(plain, notes);
  const trimmed =
    readWithout(withoutLabel(source), LABEL_LEFT_OUT, notes) ??
    readWithout(withoutTicks(source), TICKS_LEFT_OUT, notes);
  if (trimmed !== undefined) return trimmed;
  for (const unescaped of decodeEscapes(source)) {
    if (excessOf(unescaped, unescaped.text, sourceBytes) !== undefined) continue;
    const decoded = [...notes, sayRepair("Escaped line breaks were decoded.")];
    const result = readPlain(unescaped, decoded);
    if (result.ok) return readTrimmed(result, decoded);
  }
  return plain;
}

const LABEL_LEFT_OUT = "The first line, which names the language, was left out.";
const TICKS_LEFT_OUT = "The backticks around the program were left out.";

function sayRepair(message: string): Remark {
  return { severity: "note", message, offset: 0 };
}

/** A label or backticks around a program may form a program of their own, which is never meant. */
function readTrimmed(result: Extract<ReadResult, { ok: true }>, notes: readonly Remark[]): ReadResult {
  const { reading, fenced } = result;
  if (fenced || reading.root.type !== "Program") return result;
  if (startsWithLabel(reading, reading.root))
    return readWithout(withoutLabel(reading), LABEL_LEFT_OUT, notes) ?? result;
  const within = withoutTicks(reading);
  if (within === undefined || !isQuotedProgram(reading, reading.root, within)) return result;
  return readWithout(within, TICKS_LEFT_OUT, notes) ?? result;
}

function readWithout(
  trimmed: SourceText | undefined,
  message: string,
  notes: readonly Remark[],
): Extract<ReadResult, { ok: true }> | undefined {
  if (trimmed === undefined) return undefined;
  const result = readPlain(trimmed, [...notes, sayRepair(message)]);
  return result.ok && !result.fenced ? result : undefined;
}

/** The same reading with some ranges replaced by others of equal length; undefined if that is not a program. */
export function readAgain(reading: Reading, rewrites: readonly Rewrite[]): Reading | undefined {
  const { pieces, notes } = reading;
  let { text } = reading;
  for (const { start, text: replacement } of rewrites)
    text = text.slice(0, start) + replacement + text.slice(start + replacement.length);
  const result = readPlain({ text, pieces }, notes);
  return result.ok ? result.reading : undefined;
}

function readPlain(source: SourceText, notes: readonly Remark[]): ReadResult {
  const parsed = parseProgram(source.text);
  if (parsed.ok) {
    // A fenced program is valid JavaScript: a template tagged with a template, which is never meant.
    const fenced = source.text.includes("```") && scanText(source.text).ticksAt !== undefined;
    return { ok: true, reading: { ...source, root: parsed.node, notes }, fenced };
  }
  const expression = parseWholeExpression(source.text);
  return expression.ok
    ? { ok: true, reading: { ...source, root: expression.node, notes }, fenced: false }
    : { ok: false, refused: refuseSyntax(source, parsed.fault) };
}

/**
 * `// note
 * const x = 1` with an escaped line break is one comment, but was not meant to be.
 */
function isSwallowedByComment({ text, root }: Reading): boolean {
  const isEmpty = root.type === "Program" && root.body.length === 0;
  return isEmpty && text.includes("\\n") && !/[\n\r]/.test(text.trim());
}

function excessOf(source: SourceText, stretch: string, sourceBytes: number): Refused | undefined {
  const bytes = Buffer.byteLength(stretch);
  if (bytes > sourceBytes) return tooLarge(`The program has ${bytes} bytes; the limit is ${sourceBytes}.`, 0);
  const { depth, deepestAt, unaryRun, unaryAt } = scanText(source.text);
  if (depth > MAX_DEPTH)
    return tooLarge(
      `Brackets are nested ${depth} deep; the limit is ${MAX_DEPTH}.`,
      originOf(source.pieces, deepestAt),
    );
  if (unaryRun > MAX_UNARY_RUN)
    return tooLarge(
      `There are ${unaryRun} unary operators in a row; the limit is ${MAX_UNARY_RUN}.`,
      originOf(source.pieces, unaryAt),
    );
  return undefined;
}

function tooLarge(message: string, offset: number): Refused {
  return { ok: false, code: "source_too_large", message, hint: "Write a smaller program.", offset };
}

export function fault(message: string, offset: number): Refused {
  return { ok: false, code: "syntax_error", message, offset };
}

function refuseSyntax(source: SourceText, found: SyntaxFault): Refused {
  if (found.kind === "too-deep") return tooLarge(found.message, 0);
  const hint = syntaxHint(source.text, found);
  const refused = fault(syntaxMessage(found), originOf(source.pieces, found.offset));
  return hint === undefined ? refused : { ...refused, hint };
}
