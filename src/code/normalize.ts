/**
 * From what a model wrote to the body of one async function. Accepts what models really send (fences, prose around
 * them, module syntax, an uncalled function, a bare object, JSON with a `code` field) and refuses, with a named
 * cause, what could mean two things. Text inside strings is never rewritten.
 */
import { claimsData, claimsProgram, type Fence, findFences } from "./fences.ts";
import { type InputShape, noInput } from "./input-shape.ts";
import { type Inspection, inspectProgram, type Remark } from "./inspect.ts";
import { lossyLiterals } from "./number-literals.ts";
import { fault, type Reading, type ReadResult, type Refused, readAgain, readText } from "./reading.ts";
import type { ReferenceInText } from "./references.ts";
import { type Shaped, shapeExpression, shapeProgram } from "./shape.ts";
import { authored, blank, insert, keepOnly, originOf, type SourceText } from "./source-text.ts";

export interface NormalizeRequest {
  readonly code: string;
  /** Bytes the program may have once fences are removed. */
  readonly sourceBytes: number;
  readonly globals: readonly string[];
  /** What the parameters of a function that is the program can be filled with. Absent: there is no input. */
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
    }
  | Refused;

/** Reads `request.code` and says how to run it, or why not. Never throws for any text. */
export function normalize(request: NormalizeRequest): Normalized {
  const source = withoutBomAndShebang(authored(request.code));
  const whole = readText(source, request.code, request.sourceBytes);
  if (whole.ok && !whole.fenced) return finish(whole.reading, request);
  return normalizeFenced(source, request, whole.ok ? undefined : whole.refused);
}

function withoutBomAndShebang(source: SourceText): SourceText {
  const prefix = /^\ufeff?(?:#![^\n\r]*)?/.exec(source.text)?.[0] ?? "";
  return prefix === "" ? source : blank(source, 0, prefix.length);
}

function normalizeFenced(
  source: SourceText,
  request: NormalizeRequest,
  refused: Refused | undefined,
): Normalized {
  const fences = findFences(source.text);
  if (fences.length === 0) return refused ?? fault("The program could not be parsed.", 0);
  if (fences.length > MAX_BLOCKS)
    return fault(`The text has ${fences.length} code blocks. Send exactly one.`, fences[1]?.start ?? 0);
  const blocks = fences.map((fence) => readBlock(source, fence, request));
  const [first, second] = blocks.filter(isProgram);
  if (second !== undefined)
    return {
      ...fault("The text has two programs in separate code blocks.", second.fence.start),
      hint: "Send exactly one code block.",
    };
  if (first === undefined) return refuseBlocks(source, blocks, request, refused);
  if (!first.result.ok) return first.result.refused;
  const message = "The program was taken out of its code block.";
  return finish(first.result.reading, request, [{ severity: "note", message, offset: first.fence.start }]);
}

/** Each is parsed, so there must be a bound; nobody means one program by so many. */
const MAX_BLOCKS = 20;

interface Block {
  readonly fence: Fence;
  readonly isEmpty: boolean;
  readonly result: ReadResult;
}

function readBlock(source: SourceText, fence: Fence, { sourceBytes }: NormalizeRequest): Block {
  const content = source.text.slice(fence.start, fence.end);
  const result = readText(keepOnly(source, fence.start, fence.end), content, sourceBytes);
  return { fence, isEmpty: content.trim() === "", result };
}

/** A block without a language is one if it can be. */
function isProgram({ fence, isEmpty, result }: Block): boolean {
  return claimsProgram(fence) || (fence.language === "" && result.ok && !isEmpty);
}

function refuseBlocks(
  source: SourceText,
  blocks: readonly Block[],
  request: NormalizeRequest,
  refused: Refused | undefined,
): Normalized {
  const [only] = blocks;
  // A closing marker whose opening one is missing: what stands before it is the program.
  if (blocks.length === 1 && only?.isEmpty && !only.fence.closed) {
    const lineStart = source.text.lastIndexOf("\n", only.fence.start - 2) + 1;
    const before = source.text.slice(0, lineStart);
    const result = readText(keepOnly(source, 0, lineStart), before, request.sourceBytes);
    if (result.ok && before.trim() !== "") return finish(result.reading, request);
  }
  const foreign = blocks.find(({ fence }) => fence.language !== "" && !claimsData(fence));
  if (foreign !== undefined)
    return {
      ...fault(`The code block is ${foreign.fence.language}, not TypeScript.`, foreign.fence.start),
      hint: "Write the program in TypeScript or JavaScript.",
    };
  const failed = blocks.find(({ fence }) => fence.language === "")?.result;
  if (failed !== undefined && !failed.ok) return failed.refused;
  return refused ?? fault("The text has no program in it.", 0);
}

function finish(reading: Reading, request: NormalizeRequest, notes: readonly Remark[] = []): Normalized {
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
  return apply(reading, found, shape, [...notes, ...reading.notes]);
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
  };
}
