/**
 * What a failure of SQLite means to those above. `store_unavailable`: the disk or another program is in the way, and
 * the same can succeed later. `store_damaged`: the file is not what was written, here. Anything else is a bug.
 */
import { type ErrorCode, ToolariumError } from "../../../errors.ts";

/** Errors lose their class on the way between threads. */
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
 * another type than its column's (20), a row that refers to none or is there twice (19), which is looked at before.
 */
const damages: ReadonlySet<number> = new Set([11, 18, 19, 20, 26]);
/** Of a whole number that JavaScript cannot hold, and that nothing here writes. */
const TOO_LARGE = "ERR_OUT_OF_RANGE";
/** Of statements that are fixed and known to be good, SQLite says so where the file lost its schema. */
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

/** A disk that cannot give back what it holds has lost it, as far as its reader can tell. */
export function describeReadFailure(error: unknown): Failure {
  if (error instanceof ToolariumError) return withoutClass(error);
  const code = primaryCode(error);
  if (code === SQLITE_IOERR) return damaged(error);
  const hindrance = hindrances[code];
  if (hindrance !== undefined)
    return { code: "store_unavailable", message: `The store cannot be read: ${hindrance}. Retry later.` };
  return describe(error);
}

/** Whether the file is not what was written. */
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

/** SQLite's own messages name no path and no value. */
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
