/**
 * What a failure of SQLite means to callers. `store_unavailable`: the disk or another program is in the way, and a
 * retry can succeed. `store_damaged`: the file differs from what was written. Anything else is a bug.
 */
import { type ErrorCode, ToolariumError } from "../../../errors.ts";

/** An error that crosses threads, where errors lose their class. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string;
}

/** Primary result codes (https://sqlite.org/rescode.html); extended ones have them in their low byte. */
const SQLITE_ERROR = 1;
const SQLITE_IOERR = 10;

/** Why a write cannot be made now, by primary result code. */
const hindrances: { readonly [code: number]: string } = {
  3: "this process may not write it",
  5: "another program has locked it",
  6: "it is locked",
  7: "there is no memory left for it",
  8: "it is read-only",
  [SQLITE_IOERR]: "its disk failed",
  13: "its disk is full",
  14: "its file cannot be opened",
  15: "another program has locked it",
};

/**
 * The file is no database, or its pages contradict each other: a length that nothing has that we write (18), a value of
 * another type than its column's (20), a row that refers to none or is there twice (19). Writes check for the last two
 * before they insert, so that 19 means damage.
 */
const damages: ReadonlySet<number> = new Set([11, 18, 19, 20, 26]);
/** A whole number that JavaScript cannot hold. Nothing here writes one. */
const TOO_LARGE = "ERR_OUT_OF_RANGE";
/** Our statements are fixed and known to be good: SQLite reports these where the file lost its schema. */
const LOST_SCHEMA = /malformed|no such (?:table|column|index)|unsupported file format/;

export function describeWriteFailure(error: unknown): Failure {
  if (error instanceof ToolariumError) return withoutClass(error);
  const hindrance = hindrances[primaryCode(error)];
  if (hindrance !== undefined)
    return {
      code: "store_unavailable",
      message: `The store cannot be written: ${hindrance}. Retry later.`,
    };
  return describe(error);
}

/** A disk that cannot return what it holds has lost it, as far as its reader can tell. */
export function describeReadFailure(error: unknown): Failure {
  if (error instanceof ToolariumError) return withoutClass(error);
  const code = primaryCode(error);
  if (code === SQLITE_IOERR) return damaged(error);
  const hindrance = hindrances[code];
  if (hindrance !== undefined)
    return { code: "store_unavailable", message: `The store cannot be read: ${hindrance}. Retry later.` };
  return describe(error);
}

/** Whether the file differs from what was written. */
function isDamage(error: unknown): boolean {
  if (error instanceof ToolariumError) return error.code === "store_damaged";
  if (isTooLarge(error)) return true;
  const code = primaryCode(error);
  return damages.has(code) || (code === SQLITE_ERROR && LOST_SCHEMA.test(reasonOf(error)));
}

function describe(error: unknown): Failure {
  if (isDamage(error)) return damaged(error);
  return { code: "internal_error", message: `The store failed: ${reasonOf(error)}.` };
}

/** SQLite's own messages contain no path and no value. */
function damaged(error: unknown): Failure {
  const reason = isTooLarge(error) ? "a number is larger than any that is written" : reasonOf(error);
  const message = `The store's file is damaged: ${reason}. toolarium audit --verify names what is broken.`;
  return { code: "store_damaged", message };
}

function withoutClass({ code, message, param }: ToolariumError): Failure {
  return param === undefined ? { code, message } : { code, message, param };
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === TOO_LARGE;
}

function primaryCode(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown reason";
}
