/** Pages of lists whose rows have no bound of their own: as many rows as were asked for, or as fit. */
import { ToolariumError } from "../../errors.ts";

/** Characters of a page's JSON text. The first row is always there, so that every list has an end. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;

export interface Page<T> {
  readonly data: readonly T[];
  /** Where the next page begins; null on the last one. */
  readonly next_cursor: string | null;
}

export interface PageQuery {
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string | undefined;
}

/**
 * The page of a list that is at hand. `keyOf` names a row, and is what the cursor says.
 *
 * @throws `invalid_request` for a cursor whose row is not in the list any more
 */
export function pageOf<T>(
  rows: readonly T[],
  { limit, cursor }: PageQuery,
  keyOf: (row: T) => string,
): Page<T> {
  const start = cursor === undefined ? 0 : rows.findIndex((row) => keyOf(row) === readCursor(cursor)) + 1;
  if (cursor !== undefined && start === 0)
    throw new ToolariumError(
      "invalid_request",
      "cursor is not one that this list gave, or the list has changed. Begin again without it.",
      { param: "cursor" },
    );
  return firstPage(rows.slice(start), limit, keyOf);
}

/** The page that these rows begin with; there are more when not all of them fit. */
export function firstPage<T>(rows: readonly T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const data = fitting(rows.slice(0, limit));
  const last = data.at(-1);
  const isWhole = data.length === rows.length || last === undefined;
  return { data, next_cursor: isWhole ? null : Buffer.from(keyOf(last)).toString("base64url") };
}

function fitting<T>(rows: readonly T[]): readonly T[] {
  let chars = 0;
  const end = rows.findIndex((row, index) => {
    chars += JSON.stringify(row).length;
    return chars > MAX_PAGE_CHARS && index > 0;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** What the cursor of a page says. */
export function readCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}

/** The text, or its beginning with `…`: what a list need not show whole. */
export function shortened(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`.toWellFormed();
}
