/**
 * Turns a model's text into the body of one async function. Accepts what models really send (fences, prose around them,
 * module syntax, an uncalled function, a bare object, JSON with a `code` field), and refuses, with a named cause, a
 * text with two possible meanings. Text inside strings is never rewritten.
 */

import { type Inspection, inspectProgram } from "../entry/inspect.ts";
import { type Shaped, shapeExpression, shapeProgram } from "../entry/shape.ts";
import type { HiddenTool } from "../lint/hidden-tools.ts";
import { type InputShape, noInput } from "../syntax/input-shape.ts";
import type { ReferenceInText } from "../syntax/references.ts";
import type { Remark } from "../syntax/remark.ts";
import { authored, blank, insert, keepOnly, originOf, type SourceText } from "../syntax/source-text.ts";
import { claimsData, claimsProgram, type Fence, findFences, MAX_BLOCKS } from "./fences.ts";
import { lossyLiterals } from "./number-literals.ts";
import { fault, type Reading, type ReadResult, type Refused, readAgain, readText } from "./reading.ts";
import { doesSomething } from "./trimmings.ts";
import { decodeJsonCode, sliceBrokenJson } from "./unescape.ts";
import { afterThoughts, insideTags, type Stretch } from "./wrappers.ts";

export interface NormalizeRequest {
  readonly code: string;
  /** Largest size of the program in bytes, after fences are removed. */
  readonly sourceBytes: number;
  readonly globals: readonly string[];
  /** The shape of the values for the parameters of a program that is a function. Absent: there is no input. */
  readonly input?: InputShape;
  readonly hidden?: readonly string[];
}

export type Normalized =
  | {
      readonly ok: true;
      /** The body of the function. */
      readonly body: SourceText;
      readonly typescript: boolean;
      readonly runs: boolean;
      /** Offsets are the author's. */
      readonly remarks: readonly Remark[];
      readonly toolReferences: readonly ReferenceInText[];
      /** Offsets are the author's. */
      readonly shadowed: readonly HiddenTool[];
    }
  | Refused;

/** Parses `request.code` and returns how to run it, or why not. Never throws for any text. */
export function normalize(request: NormalizeRequest): Normalized {
  return normalizeText(
    { source: withoutBomAndShebang(authored(request.code)), stretch: request.code, notes: [], depth: 0 },
    request,
  );
}

function withoutBomAndShebang(source: SourceText): SourceText {
  const prefix = /^\ufeff?(?:#![^\n\r]*)?/.exec(source.text)?.[0] ?? "";
  return prefix === "" ? source : blank(source, 0, prefix.length);
}

/** A text while its wrappings are removed. */
interface Intake {
  readonly source: SourceText;
  /** The part of the source that counts; everything else is blank. */
  readonly stretch: string;
  /** Notes about the repairs so far. */
  readonly notes: readonly Remark[];
  readonly depth: number;
}

/** Deepest nesting of wrappings. */
const MAX_DEPTH = 6;

function normalizeText(intake: Intake, request: NormalizeRequest): Normalized {
  const { source, stretch, notes, depth } = intake;
  const json = depth < MAX_DEPTH ? decodeJsonCode(source) : undefined;
  if (json !== undefined) {
    const note = sayAt("The program was taken out of JSON.", 0);
    return normalizeText(
      { source: json, stretch: json.text, notes: [...notes, note], depth: depth + 1 },
      request,
    );
  }
  const whole = readText(source, stretch, request.sourceBytes);
  if (whole.ok && !whole.fenced) return finish(whole.reading, request, notes);
  const inner = depth < MAX_DEPTH ? unwrap(intake) : undefined;
  if (inner !== undefined) return normalizeText(inner, request);
  return normalizeFenced(intake, request, whole.ok ? undefined : whole.refused);
}

/** Removes the outermost wrapping that is not a code block; undefined when there is none. */
function unwrap({ source, notes, depth }: Intake): Intake | undefined {
  const { text } = source;
  const found = afterThoughts(text) ?? insideTags(text) ?? insideBrokenJson(text);
  if (found === undefined || text.slice(found.start, found.end).trim() === "") return undefined;
  return {
    source: keepOnly(source, found.start, found.end),
    stretch: text.slice(found.start, found.end),
    notes: [...notes, sayAt(found.note, originOf(source.pieces, found.start))],
    depth: depth + 1,
  };
}

function insideBrokenJson(text: string): Stretch | undefined {
  const found = sliceBrokenJson(text);
  return found && { ...found, note: "The program was taken out of JSON whose quotes were not escaped." };
}

function sayAt(message: string, offset: number): Remark {
  return { severity: "note", message, offset };
}

function normalizeFenced(
  intake: Intake,
  request: NormalizeRequest,
  refused: Refused | undefined,
): Normalized {
  const { source, notes } = intake;
  const fences = findFences(source.text);
  if (fences.length === 0) return refused ?? fault("The program could not be parsed.", 0);
  if (fences.length > MAX_BLOCKS)
    return fault(
      `The text has more than ${MAX_BLOCKS} code blocks. Send exactly one.`,
      authorOf(intake, fences[1]),
    );
  const blocks = fences.map((fence) => readBlock(source, fence, request));
  const [first, second] = programsAmong(blocks);
  if (second !== undefined)
    return {
      ...fault("The text has two programs in separate code blocks.", authorOf(intake, second.fence)),
      hint: "Send exactly one code block.",
    };
  if (first === undefined) return refuseBlocks(intake, blocks, request, refused);
  const note = sayAt("The program was taken out of its code block.", authorOf(intake, first.fence));
  if (first.inner !== undefined)
    return normalizeText({ ...first.inner, notes: [...notes, note], depth: intake.depth + 1 }, request);
  if (!first.result.ok) return first.result.refused;
  return finish(first.result.reading, request, [...notes, note]);
}

function authorOf({ source }: Intake, fence: Fence | undefined): number {
  return originOf(source.pieces, fence?.start ?? 0);
}

interface Block {
  readonly fence: Fence;
  readonly isEmpty: boolean;
  readonly result: ReadResult;
  /** Its content, when that is wrapped once more. */
  readonly inner?: Pick<Intake, "source" | "stretch">;
}

function readBlock(source: SourceText, fence: Fence, { sourceBytes }: NormalizeRequest): Block {
  const stretch = source.text.slice(fence.start, fence.end);
  const content = keepOnly(source, fence.start, fence.end);
  const result = readText(content, stretch, sourceBytes);
  const isWrapped = decodeJsonCode(content) !== undefined || (holdsFences(fence) && stretch.includes("```"));
  const block = { fence, isEmpty: stretch.trim() === "", result };
  return isWrapped ? { ...block, inner: { source: content, stretch } } : block;
}

/** The block is marked as Markdown, or its language is unknown. */
function holdsFences({ language }: Fence): boolean {
  return language === "" || language === "md" || language === "markdown";
}

/** Beside a block marked as a program, a block of data is its input or output, even without a language. */
function programsAmong(blocks: readonly Block[]): readonly Block[] {
  const programs = blocks.filter(isProgram);
  const isData = ({ fence, inner, result }: Block): boolean =>
    claimsData(fence) ||
    (fence.language === "" && inner === undefined && result.ok && !doesSomething(result.reading.root));
  return programs.some(({ fence }) => claimsProgram(fence))
    ? programs.filter((block) => !isData(block))
    : programs;
}

/** A block without a language is a program if it can be one. */
function isProgram({ fence, isEmpty, result, inner }: Block): boolean {
  if (inner !== undefined) return true;
  return claimsProgram(fence) || (fence.language === "" && result.ok && !result.fenced && !isEmpty);
}

function refuseBlocks(
  intake: Intake,
  blocks: readonly Block[],
  request: NormalizeRequest,
  refused: Refused | undefined,
): Normalized {
  const { source, notes } = intake;
  const [only] = blocks;
  // A closing marker without its opening one: the program is before it, and only prose or nothing is after it.
  if (blocks.length === 1 && only?.fence.language === "" && !only.fence.closed) {
    const lineStart = source.text.lastIndexOf("\n", only.fence.start - 2) + 1;
    const before = source.text.slice(0, lineStart);
    const result = readText(keepOnly(source, 0, lineStart), before, request.sourceBytes);
    if (result.ok && before.trim() !== "") return finish(result.reading, request, notes);
  }
  const foreign = blocks.find(({ fence }) => fence.language !== "" && !claimsData(fence));
  if (foreign !== undefined)
    return {
      ...fault(
        `The code block is ${foreign.fence.language}, not TypeScript.`,
        authorOf(intake, foreign.fence),
      ),
      hint: "Write the program in TypeScript or JavaScript.",
    };
  const failed = blocks.find(({ fence }) => fence.language === "")?.result;
  if (failed !== undefined && !failed.ok) return failed.refused;
  return refused ?? fault("The text has no program in it.", 0);
}

function finish(reading: Reading, request: NormalizeRequest, notes: readonly Remark[]): Normalized {
  const { root, text } = reading;
  const { globals, input = noInput } = request;
  const inspection = inspectProgram(root, globals, request.hidden);
  const context = { text, globals, input, uses: inspection.uses };
  const shape =
    root.type === "Program" ? shapeProgram(root, inspection, context) : shapeExpression(root, context);
  if (!shape.ok)
    return {
      ok: false,
      code: "syntax_error",
      message: shape.message,
      hint: shape.hint,
      offset: originOf(reading.pieces, shape.offset),
    };
  const rewritten = shape.rewrites.length === 0 ? undefined : readAgain(reading, shape.rewrites);
  if (rewritten !== undefined) return finish(rewritten, request, notes);
  const lossy = lossyLiterals(root);
  const found = { ...inspection, warnings: [...lossy, ...inspection.warnings] };
  return apply(reading, found, shape, eachOnce([...notes, ...reading.notes]));
}

/** Nested tags count as one repair. */
function eachOnce(notes: readonly Remark[]): readonly Remark[] {
  return [...new Map(notes.toReversed().map((note) => [note.message, note])).values()].toReversed();
}

function apply(
  reading: Reading,
  inspection: Inspection,
  shape: Shaped,
  notes: readonly Remark[],
): Normalized {
  const blanked = shape.blanks.reduce<SourceText>((source, [start, end]) => blank(source, start, end), {
    text: reading.text,
    pieces: reading.pieces,
  });
  const isKept = ({ offset }: Remark): boolean =>
    !shape.blanks.some(([start, end]) => start <= offset && offset < end);
  const authorsOffset = (offset: number): number => originOf(reading.pieces, offset);
  const inAuthorsText = <T extends { readonly offset: number }>(found: T): T => ({
    ...found,
    offset: authorsOffset(found.offset),
  });
  return {
    ok: true,
    body: insert(blanked, shape.insertions),
    typescript: inspection.typescript,
    runs: shape.runs,
    remarks: [...notes, ...[...shape.notes, ...inspection.warnings.filter(isKept)].map(inAuthorsText)],
    toolReferences: inspection.toolReferences.map(({ others, ...reference }) => ({
      ...inAuthorsText(reference),
      ...(others === undefined ? {} : { others: others.map(authorsOffset) }),
    })),
    shadowed: inspection.shadowed.map(inAuthorsText),
  };
}
