/** The parts that all lists of the store share: the bounds of a page and the cursor to the next one. */
import { ToolariumError } from "../errors.ts";

const MAX_PAGE = 200;

/** @throws `invalid_request` */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return;
  throw new ToolariumError("invalid_request", `limit must be 1 to ${MAX_PAGE}, not ${limit}.`, {
    param: "limit",
  });
}

/** A cursor names a place between two rows, not a number of rows to skip: new rows do not move it. */
export function formatCursor(...parts: readonly (string | number)[]): string {
  return Buffer.from(parts.join("/")).toString("base64url");
}

/** The parts of a cursor whose text is of this form. @throws `invalid_request` */
export function parseCursor(cursor: string, form: RegExp): readonly string[] {
  const match = form.exec(Buffer.from(cursor, "base64url").toString());
  if (match) return match.slice(1);
  throw new ToolariumError(
    "invalid_request",
    "cursor is not one that this list gave. Send next_cursor of the previous page, or none.",
    { param: "cursor" },
  );
}
