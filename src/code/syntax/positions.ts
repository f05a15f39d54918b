/**
 * From a position in emitted JavaScript to the author's text: through esbuild's source map when there was a transform,
 * then through the pieces of the normalized text. The compiler process makes the map; the gateway reads it, only after
 * a failure.
 */
import { decodedMappings, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { isInserted, lineStarts, originOf, type Piece, positionAt, type SourceText } from "./source-text.ts";

/** Plain data that maps a position in emitted text to the author's. Only this module reads its contents. */
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
 * Maps a position in `CompiledProgram.js` to the author's text. Undefined for positions outside it: in the wrapper, or
 * past the text. Text that the normalizer inserted maps to the code it stands for.
 */
export function originalPosition(map: PositionMap, line: number, column: number): Position | undefined {
  const encoded = JSON.parse(map.encoded) as Encoded;
  const wrapped = encoded.mappings === null ? { line, column } : traced(encoded.mappings, line, column);
  if (wrapped === undefined) return undefined;
  const offset = bodyOffset(encoded, wrapped);
  return offset === undefined ? undefined : positionAt(encoded.author, originOf(encoded.pieces, offset));
}

/** A program of 64 kB has a tenth of these. */
const MAX_ORIGINS = 10_000;
const written = new WeakMap<PositionMap, string>();

/**
 * The same for the engine, which looks positions up while the program runs: `EngineProgram.origins`. A text with too
 * many stretches gets one per line.
 */
export function originsOf(map: PositionMap): string {
  const known = written.get(map);
  if (known !== undefined) return known;
  const encoded = JSON.parse(map.encoded) as Encoded;
  const all = encoded.mappings === null ? wrappedOrigins(encoded) : tracedOrigins(encoded, encoded.mappings);
  const origins = all.length <= MAX_ORIGINS ? all : all.filter(([line], n) => line !== all[n - 1]?.[0]);
  const text = JSON.stringify(origins.flat());
  written.set(map, text);
  return text;
}

/** The origin of a stretch of emitted text. A negative column: the whole stretch has that one origin. */
type Origin = readonly [line: number, column: number, originLine: number, originColumn: number];

function wrappedOrigins({ author, body, bodyLength, pieces }: Encoded): readonly Origin[] {
  const borders = pieces.flatMap(([at, , length]) => [at, at + length]);
  const starts = [...new Set([...body, ...borders])].filter((start) => start <= bodyLength);
  return starts
    .sort((a, b) => a - b)
    .map((start) => {
      const { line, column } = positionAt(body, start);
      const origin = positionAt(author, originOf(pieces, start));
      const sign = isInserted(pieces, start) ? -1 : 1;
      return [line + WRAPPER_LINES, column, origin.line, sign * origin.column];
    });
}

function tracedOrigins(encoded: Encoded, mappings: string): readonly Origin[] {
  const trace = new TraceMap({ version: 3, sources: ["program"], names: [], mappings });
  return decodedMappings(trace).flatMap((segments, index) =>
    segments.flatMap(([column, , line, sourceColumn]): readonly Origin[] => {
      if (line === undefined || sourceColumn === undefined) return [];
      const offset = bodyOffset(encoded, { line: line + 1, column: sourceColumn + 1 });
      if (offset === undefined) return [];
      const origin = positionAt(encoded.author, originOf(encoded.pieces, offset));
      return [[index + 1, column + 1, origin.line, -origin.column]];
    }),
  );
}

/** Whether the author's text has such a position. */
export function isPosition(map: PositionMap, line: number, column: number): boolean {
  const { author } = JSON.parse(map.encoded) as Encoded;
  const start = author[line - 1];
  const end = author[line] ?? Number.POSITIVE_INFINITY;
  return start !== undefined && column >= 1 && start + column - 1 <= end;
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
  // The wrapper's closing line is not in the body's table; a column past its line's end is clamped.
  return Math.min(start + column - 1, end);
}
