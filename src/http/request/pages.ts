/** Pages of lists with rows of any size: as many rows as were asked for, or as many as fit. */
import { ToolariumError } from "../../errors.ts";

/** Most characters of a page's JSON text. A page has at least one row, so that every list can be read to its end. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;

export interface Page<T> {
  readonly data: readonly T[];
  /** The cursor of the next page; null on the last page. */
  readonly next_cursor: string | null;
}

export interface PageQuery {
  readonly limit: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

/**
 * A page of a list that is in memory. `keyOf`: the row's key, which the cursor holds.
 *
 * @throws `invalid_request` for a cursor whose row is no longer in the list
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

/** The page with the first of these rows. It has a next page when not all rows fit. */
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

/** The key that a cursor holds. */
export function readCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}

/** The text, or its beginning with `…`, for lists that need not show all of it. */
export function shortened(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`.toWellFormed();
}
