/**
 * The guest's posts, as its worker passes them on: hostile like every message of a worker. Only `parsePosts` reads
 * them.
 */
import type { ToolErrorKind } from "../engine.ts";
import { type Place, parsePlace } from "../origins.ts";
import { fault, isCount, isRecord, MAX_MESSAGE_CHARS, type Parsed, parseJson } from "../protocol.ts";
import { isDeeper } from "./json-depth.ts";

/** One post of a guest. `n` numbers calls and timers together, in the order in which the program issued them. */
export type GuestPost =
  | {
      readonly type: "call";
      readonly n: number;
      readonly server: string;
      readonly tool: string;
      readonly args: string;
      /** Why the arguments could not leave the isolate; `args` is then `null`. */
      readonly fault?: { readonly kind: "invalid_arguments" | "too_large"; readonly message: string };
    }
  | { readonly type: "timer"; readonly n: number; readonly delayMs: number }
  | { readonly type: "clear"; readonly n: number }
  | {
      readonly type: "log";
      readonly level: (typeof logLevels)[number];
      readonly text: string;
      readonly gap?: LogGap;
    }
  /** Counts lines past the run's limits that were dropped between the lines before and after it. */
  | { readonly type: "skip"; readonly lines: number; readonly chars: number }
  /** What a value lost on its way out of the isolate. */
  | { readonly type: "remark"; readonly text: string }
  /** The place of a call past the limit, or the place where the program waits. */
  | { readonly type: "at"; readonly place: Place | undefined }
  | {
      readonly type: "done";
      readonly result: string;
      readonly undone: readonly Undone[];
      /** Errors that were handled after their promise had been rejected. */
      readonly handledLate: readonly string[];
    }
  | {
      readonly type: "fail";
      readonly code: "guest_error" | "not_serializable" | "result_too_large";
      readonly message: string;
      readonly stack: string;
      readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
      /** The failure's causes, and the errors it holds. */
      readonly inner?: readonly {
        readonly label: string;
        readonly message: string;
        readonly stack: string;
      }[];
      /** How many of those are left out. */
      readonly left?: number;
    };

/** A call or timer that was open when the program returned, and where it was made. */
export interface Undone {
  readonly n: number;
  /** `returned`: the program returned the number of this timer. `sleep`: the timer only resolves a promise. */
  readonly kind: (typeof undoneKinds)[number];
  readonly place: Place | undefined;
}

const undoneKinds = ["call", "timer", "interval", "sleep", "returned"] as const;

/** The gap in a line longer than any run may print: only its beginning and its end are posted. */
export interface LogGap {
  /** UTF-16 units between the two. */
  readonly chars: number;
  readonly tail: string;
}

const logLevels = ["log", "info", "warn", "error", "debug"] as const;

const toolErrorKinds: readonly ToolErrorKind[] = [
  "tool",
  "denied",
  "invalid_arguments",
  "timeout",
  "cancelled",
  "unavailable",
  "too_large",
  "unsupported",
  "unknown_tool",
];

/** The prelude cuts names at 256. */
const MAX_NAME_CHARS = 1_024;
/** Rows of a post are arrays in an array; a failure is an object that holds a list of lists. */
const MAX_POST_DEPTH = 5;
/** The prelude reports at most eight. */
const MAX_INNER_ERRORS = 8;
/** Rows in one post: a batch is 64 kB, a row at least nine characters. */
const MAX_POST_ROWS = 40_000;
/** Longest timer. A program may not park for longer than its wall limit anyway; this keeps the number an int32. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Parses the text of a `posts` frame: a JSON array of arrays, written by the prelude, or by a program that broke out of
 * it.
 */
export function parsePosts(text: string): Parsed<readonly GuestPost[]> {
  if (isDeeper(text, MAX_POST_DEPTH, MAX_POST_ROWS)) return fault("posts are nested too deep, or too many");
  const rows = parseJson(text);
  if (!Array.isArray(rows)) return fault("posts are not a JSON array");
  const posts: GuestPost[] = [];
  for (const row of rows) {
    const post = Array.isArray(row) ? parsePost(row) : undefined;
    if (post === undefined) return fault("a post has an unknown shape");
    posts.push(post);
  }
  return { ok: true, value: posts };
}

function parsePost(row: readonly unknown[]): GuestPost | undefined {
  const [type, a, b, c, d, fault] = row;
  switch (type) {
    case "call":
      if (!isCount(a) || !isName(b) || !isName(c) || typeof d !== "string") return undefined;
      if (fault === undefined) return { type, n: a, server: b, tool: c, args: d };
      return typeof fault === "string"
        ? { type, n: a, server: b, tool: c, args: "null", fault: parseFault(fault) }
        : undefined;
    case "timer":
      if (!isCount(a) || !isCount(b) || b > MAX_TIMER_MS) return undefined;
      return { type, n: a, delayMs: b };
    case "clear":
      return isCount(a) ? { type, n: a } : undefined;
    case "log": {
      const level = logLevels.find((known) => known === a);
      if (level === undefined || typeof b !== "string") return undefined;
      if (c === undefined) return { type, level, text: b };
      return isCount(c) && typeof d === "string"
        ? { type, level, text: b, gap: { chars: c, tail: d } }
        : undefined;
    }
    case "skip":
      return isCount(a) && isCount(b) ? { type, lines: a, chars: b } : undefined;
    case "remark":
      return typeof a === "string" ? { type, text: a.slice(0, MAX_NAME_CHARS) } : undefined;
    case "at":
      return typeof a === "string" ? { type, place: parsePlace(a) } : undefined;
    case "done":
      return typeof a === "string" ? parseDone(a, b ?? [], c ?? []) : undefined;
    case "fail":
      return isRecord(a) ? parseFail(a) : undefined;
    default:
      return undefined;
  }
}

/** Rows read of either list. The prelude reports at most eight open calls and timers, and a hundred late errors. */
const MAX_UNDONE = 100;

function parseDone(result: string, undone: unknown, late: unknown): GuestPost | undefined {
  if (!Array.isArray(undone) || !Array.isArray(late)) return undefined;
  const open = undone.slice(0, MAX_UNDONE).map((row: unknown): Undone | undefined => {
    const [n, kind, place] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    const known = undoneKinds.find((each) => each === kind);
    if (!isCount(n) || known === undefined || typeof place !== "string") return undefined;
    return { n, kind: known, place: parsePlace(place) };
  });
  const handledLate = late.slice(0, MAX_UNDONE).filter((key) => typeof key === "string");
  if (!open.every((each) => each !== undefined)) return undefined;
  return { type: "done", result, undone: open, handledLate };
}

/** The prelude marks arguments that are too large with a leading `!`. */
function parseFault(text: string): { kind: "invalid_arguments" | "too_large"; message: string } {
  const large = text.startsWith("!");
  return {
    kind: large ? "too_large" : "invalid_arguments",
    message: text.slice(large ? 1 : 0, MAX_MESSAGE_CHARS),
  };
}

function parseFail(failure: Record<string, unknown>): GuestPost | undefined {
  const { code, message, stack, tool } = failure;
  if (code !== "guest_error" && code !== "not_serializable" && code !== "result_too_large") return undefined;
  if (typeof message !== "string" || typeof stack !== "string") return undefined;
  const head: Extract<GuestPost, { type: "fail" }> = {
    type: "fail",
    code,
    message: message.slice(0, MAX_MESSAGE_CHARS),
    stack: stack.slice(0, MAX_MESSAGE_CHARS),
  };
  const inner = parseInner(failure);
  if (inner === undefined) return undefined;
  if (tool === undefined) return { ...head, ...inner };
  if (!isRecord(tool)) return undefined;
  const kind = toolErrorKinds.find((known) => known === tool["kind"]);
  const { server, tool: name } = tool;
  if (kind === undefined || typeof server !== "string" || typeof name !== "string") return undefined;
  return { ...head, ...inner, tool: { server: server.slice(0, 256), tool: name.slice(0, 256), kind } };
}

function parseInner({
  inner,
  left,
}: Record<string, unknown>): Pick<Extract<GuestPost, { type: "fail" }>, "inner" | "left"> | undefined {
  if (inner === undefined) return {};
  if (!Array.isArray(inner) || !isCount(left)) return undefined;
  const errors = inner.slice(0, MAX_INNER_ERRORS).map((row: unknown) => {
    const [label, message, stack] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    if (typeof label !== "string" || typeof message !== "string" || typeof stack !== "string")
      return undefined;
    return {
      label: label.slice(0, MAX_NAME_CHARS),
      message: message.slice(0, MAX_MESSAGE_CHARS),
      stack: stack.slice(0, MAX_MESSAGE_CHARS),
    };
  });
  return errors.every((error) => error !== undefined) ? { inner: errors, left } : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_CHARS;
}
