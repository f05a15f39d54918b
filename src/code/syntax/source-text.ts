/**
 * Text that knows its origin. The author's text is blanked rather than cut, so that most offsets stay equal. Inserted
 * or decoded text is recorded in a list of pieces, which leads any offset back to the author's text.
 */

/**
 * `length` characters from `at` on are the author's from `origin` on. The rest, up to the next piece, was inserted and
 * belongs to the character before it.
 */
export type Piece = readonly [at: number, origin: number, length: number];

export interface SourceText {
  readonly text: string;
  /** Sorted by `at`; the first starts at 0 unless the text begins with an insertion. */
  readonly pieces: readonly Piece[];
}

/**
 * An insertion before offset `at`. `origin` is the author's offset that it is attributed to. Default: the character at
 * `at`.
 */
export interface Insertion {
  readonly at: number;
  readonly text: string;
  readonly origin?: number;
}

/** The author's text as it came. */
export function authored(text: string): SourceText {
  return { text, pieces: [[0, 0, text.length]] };
}

/** Replaces a stretch with blanks; line breaks stay, so that no position changes. */
export function blank(source: SourceText, start: number, end: number): SourceText {
  const { text, pieces } = source;
  return { text: text.slice(0, start) + blanks(text.slice(start, end)) + text.slice(end), pieces };
}

/** Blanks everything outside a stretch. */
export function keepOnly(source: SourceText, start: number, end: number): SourceText {
  const { text, pieces } = source;
  return { text: blanks(text.slice(0, start)) + text.slice(start, end) + blanks(text.slice(end)), pieces };
}

function blanks(text: string): string {
  return text.replace(/[^\n\r\u2028\u2029]/g, " ");
}

/** Makes all insertions at once; those at the same offset keep their order. */
export function insert(source: SourceText, insertions: readonly Insertion[]): SourceText {
  const sorted = [...insertions].sort((a, b) => a.at - b.at);
  const pieces: Piece[] = [];
  let text = "";
  let from = 0;
  for (const insertion of sorted) {
    copyPieces(source, from, insertion.at, text.length, pieces);
    text += source.text.slice(from, insertion.at);
    pieces.push([text.length, insertion.origin ?? originOf(source.pieces, insertion.at), 0]);
    text += insertion.text;
    from = insertion.at;
  }
  copyPieces(source, from, source.text.length, text.length, pieces);
  return { text: text + source.text.slice(from), pieces };
}

function copyPieces(source: SourceText, start: number, end: number, to: number, into: Piece[]): void {
  source.pieces.forEach(([at, origin, length], index) => {
    const next = source.pieces[index + 1]?.[0] ?? source.text.length;
    const first = Math.max(at, start);
    if (first >= Math.min(next, end)) return;
    const skipped = first - at;
    const kept = Math.max(0, Math.min(length - skipped, end - first));
    into.push([to + first - start, origin + Math.min(skipped, length), kept]);
  });
}

/** One range of a source with its replacement, for text that arrived escaped. */
export interface Decoded {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The range from `start` to `end` with each escape replaced; text outside the range is dropped. */
export function decode(
  source: SourceText,
  start: number,
  end: number,
  escapes: readonly Decoded[],
): SourceText {
  const pieces: Piece[] = [];
  let text = "";
  let from = start;
  for (const found of escapes) {
    copyPieces(source, from, found.start, text.length, pieces);
    text += source.text.slice(from, found.start);
    pieces.push([text.length, originOf(source.pieces, found.start), 1]);
    text += found.text;
    from = found.end;
  }
  copyPieces(source, from, end, text.length, pieces);
  return { text: text + source.text.slice(from, end), pieces };
}

/** Joins several texts as the lines of one. */
export function joinSources(sources: readonly SourceText[]): SourceText {
  const pieces: Piece[] = [];
  let text = "";
  for (const [index, source] of sources.entries()) {
    if (index > 0) text += "\n";
    for (const [at, origin, length] of source.pieces) pieces.push([text.length + at, origin, length]);
    text += source.text;
  }
  return { text, pieces };
}

/** The author's offset of an offset in the text. */
export function originOf(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.[0] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const [at, origin, length] = pieces[low] ?? [0, 0, 0];
  return origin + Math.max(0, Math.min(offset - at, length));
}

/** Whether the character at an offset was inserted. */
export function isInserted(pieces: readonly Piece[], offset: number): boolean {
  const piece = pieces.findLast(([at]) => at <= offset);
  return piece === undefined || offset - piece[0] >= piece[2];
}

/** Offsets at which the lines of a text start, by the language's own line terminators. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(match.index + match[0].length);
  return starts;
}

/** 1-based line and column of an offset. */
export function positionAt(
  starts: readonly number[],
  offset: number,
): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
