/**
 * From a position in emitted JavaScript to the author's text: through esbuild's source map when there was a
 * transform, then through the pieces of the normalised text. The map is made in the compiler process and read in the
 * gateway, only when something went wrong.
 */
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { lineStarts, originOf, type Piece, positionAt, type SourceText } from "./source-text.ts";

/** Plain data that maps a position in emitted text to the author's. Only this module looks inside. */
export interface PositionMap {
  readonly encoded: string;
}

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

interface Encoded {
  /** Starts of the author's lines. */
  readonly author: readonly number[];
  /** Starts of the body's lines. */
  readonly body: readonly number[];
  readonly bodyLength: number;
  readonly pieces: readonly Piece[];
  /** esbuild's `mappings` from the emitted text to the wrapped body; null when nothing was transformed. */
  readonly mappings: string | null;
}

/** Lines that the wrapper puts before the body. */
const WRAPPER_LINES = 1;

export function encodePositions(author: string, body: SourceText, mappings: string | null): PositionMap {
  const encoded: Encoded = {
    author: lineStarts(author),
    body: lineStarts(body.text),
    bodyLength: body.text.length,
    pieces: body.pieces,
    mappings,
  };
  return { encoded: JSON.stringify(encoded) };
}

/**
 * The author's position of a position in `CompiledProgram.js`. Undefined for positions that are not the author's:
 * the wrapper, or numbers outside the text. What the normaliser inserted is put down to the code it stands for.
 */
export function originalPosition(map: PositionMap, line: number, column: number): Position | undefined {
  const encoded = JSON.parse(map.encoded) as Encoded;
  const wrapped = encoded.mappings === null ? { line, column } : traced(encoded.mappings, line, column);
  if (wrapped === undefined) return undefined;
  const offset = bodyOffset(encoded, wrapped);
  return offset === undefined ? undefined : positionAt(encoded.author, originOf(encoded.pieces, offset));
}

function traced(mappings: string, line: number, column: number): Position | undefined {
  if (!(line >= 1 && column >= 1)) return undefined;
  const trace = new TraceMap({ version: 3, sources: ["program"], names: [], mappings });
  const found = originalPositionFor(trace, { line, column: column - 1 });
  return found.line === null ? undefined : { line: found.line, column: found.column + 1 };
}

function bodyOffset(encoded: Encoded, { line, column }: Position): number | undefined {
  const index = line - 1 - WRAPPER_LINES;
  const start = encoded.body[index];
  if (start === undefined || !(column >= 1)) return undefined;
  const end = encoded.body[index + 1] ?? encoded.bodyLength;
  // The closing line of the wrapper has no start in the body's table; a column past its line's end is clamped.
  return Math.min(start + column - 1, end);
}
