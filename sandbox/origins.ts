/** Maps a position in `program.js` to the text that the program was made from. */

export interface Place {
  /** Both 1-based; the column in UTF-16 units. */
  readonly line: number;
  readonly column: number;
}

/**
 * The last stretch of `origins` (see `EngineProgram`) that begins at or before the place. Undefined when its line has
 * none, or when the text is no such list. Without `origins` the place is returned unchanged.
 */
export function originOfPlace(origins: string | undefined, { line, column }: Place): Place | undefined {
  if (origins === undefined) return { line, column };
  const stretches = JSON.parse(origins) as readonly number[];
  let low = 0;
  let high = stretches.length / 4;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [atLine = 0, atColumn = 0] = stretches.slice(4 * middle, 4 * middle + 2);
    if (atLine < line || (atLine === line && atColumn <= column)) low = middle + 1;
    else high = middle;
  }
  const [atLine, atColumn = 0, toLine = 0, toColumn = 0] = stretches.slice(4 * (low - 1), 4 * low);
  if (low === 0 || atLine !== line) return undefined;
  return { line: toLine, column: toColumn < 0 ? -toColumn : toColumn + column - atColumn };
}

/** Parses `line:column`, the form in which places travel; undefined for any other text. */
export function parsePlace(text: string): Place | undefined {
  const found = /^([1-9]\d{0,6}):([1-9]\d{0,6})$/.exec(text);
  return found === null ? undefined : { line: Number(found[1]), column: Number(found[2]) };
}

/** The first place in the program that a stack trace names, as `line:column`; empty when there is none. */
export function placeInStack(stack: string): string {
  return /program\.js:(\d+:\d+)/.exec(stack)?.[1] ?? "";
}
