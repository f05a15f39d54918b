/**
 * Every message over either wall, in both directions.
 *
 *   gateway ⇄ worker process   frames on one descriptor: a small JSON header and one opaque text beside it, so that
 *                              payloads are neither escaped twice nor parsed where nobody looks at them
 *   worker ⇄ isolate           strings and numbers only: `post(text)` out, `enter(kind, n, at, payload)` in
 *
 * What comes from a worker is hostile. The functions named `parse…` accept any bytes or text, never throw, and give
 * either a message of exactly these shapes or the reason why it is none; a violation ends the worker.
 */
import type { ToolErrorKind } from "./index.ts";
import { isDeeper } from "./json-depth.ts";
import type { RunLimits } from "./limits.ts";

/** Fences late messages: every lease of a slot has its own number, never used again in this gateway. */
export type LeaseId = number;

/** What the gateway tells a worker. */
export type ToWorker =
  | {
      readonly type: "start";
      readonly lease: LeaseId;
      readonly startedAt: number;
      readonly limits: RunLimits;
      /** How much of the text is JSON for the prelude (namespaces, input, seed, limits); the rest is the program. */
      readonly configChars: number;
      readonly text: string;
    }
  | (Entry & { readonly type: "enter"; readonly lease: LeaseId })
  /** Ends a lease: the isolate is disposed, and `stopped` says so once nothing of it runs any more. */
  | { readonly type: "stop"; readonly lease: LeaseId };

/**
 * One entry into the isolate: one settlement or one timer, microtasks drained before the next. The unit of replay;
 * entry 0 is the program's start.
 */
export interface Entry {
  readonly k: number;
  /** The call or timer it answers. */
  readonly n: number;
  readonly kind: "value" | "error" | "timer";
  /** Milliseconds since the Unix epoch: the program's clock from here on. */
  readonly at: number;
  /** JSON text: the value, or a GuestToolError; empty for a timer. Travels as the frame's text. */
  readonly text: string;
}

/** What a worker says. */
export type FromWorker =
  | { readonly type: "ready"; readonly preludeVersion: string; readonly rssBytes: number }
  /** What the guest posted since the last frame: see `parsePosts`. */
  | { readonly type: "posts"; readonly lease: LeaseId; readonly text: string }
  /** Entry k is over, its microtasks drained, its posts sent before. */
  | {
      readonly type: "entered";
      readonly lease: LeaseId;
      readonly k: number;
      readonly cpuMs: number;
      readonly heapBytes: number;
      /** Words of a promise that was rejected in this entry while nothing handled it; empty when none was. */
      readonly rejection: string;
    }
  /** A limit inside the isolate, or an engine fault of this lease only. Final. */
  | {
      readonly type: "broken";
      readonly lease: LeaseId;
      readonly code: BrokenCode;
      readonly message: string;
      readonly cpuMs: number;
    }
  | { readonly type: "stopped"; readonly lease: LeaseId };

export type BrokenCode =
  | "cpu_timeout"
  | "wall_timeout"
  | "memory_exceeded"
  | "engine_crashed"
  | "guest_error";

/** What a guest posts. `n` counts calls and timers together, in the order in which the program issued them. */
export type GuestPost =
  | {
      readonly type: "call";
      readonly n: number;
      readonly server: string;
      readonly tool: string;
      readonly args: string;
      /** Why the arguments could not leave the isolate; then `args` is `null`. */
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
  /** Lines between those before and those after it, which are past the limits of the run. */
  | { readonly type: "skip"; readonly lines: number; readonly chars: number }
  /** What was lost of a value that left the isolate. */
  | { readonly type: "remark"; readonly text: string }
  | { readonly type: "done"; readonly result: string }
  | {
      readonly type: "fail";
      readonly code: "guest_error" | "not_serializable" | "result_too_large";
      readonly message: string;
      readonly stack: string;
      readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
      /** The errors that the failure stands on: its causes, and those that it holds. */
      readonly inner?: readonly {
        readonly label: string;
        readonly message: string;
        readonly stack: string;
      }[];
      /** Of those, how many are not told. */
      readonly left?: number;
    };

/** A text that is longer than any run may print comes as its beginning and its end. */
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

/** Error text that leaves the isolate is cut here; a program can build a message as large as its heap. */
const MAX_MESSAGE_CHARS = 4_096;
/** The prelude cuts names at 256. */
const MAX_NAME_CHARS = 1_024;
/** Rows of a post are arrays in an array; a failure is an object with a list of lists in it. */
const MAX_POST_DEPTH = 5;
/** The prelude tells eight. */
const MAX_INNER_ERRORS = 8;
/** Rows in one post: a batch is 64 kB, a row at least nine characters. */
const MAX_POST_ROWS = 40_000;
/** Longest timer: a program may not park longer than its wall limit anyway; this keeps the number an int32. */
const MAX_TIMER_MS = 2_147_483_647;

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

const fault = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** The header of a frame from a worker, and the text beside it. */
export function parseFromWorker(header: string, text: string): Parsed<FromWorker> {
  const message = parseJson(header);
  if (!isRecord(message)) return fault("the header is not a JSON object");
  if (message["type"] === "ready") {
    const { preludeVersion, rssBytes } = message;
    if (typeof preludeVersion !== "string" || !isCount(rssBytes)) return fault("ready lacks its fields");
    return { ok: true, value: { type: "ready", preludeVersion, rssBytes } };
  }
  const { type, lease } = message;
  if (!isCount(lease)) return fault("the lease is not a number");
  switch (type) {
    case "posts":
      return { ok: true, value: { type, lease, text } };
    case "entered": {
      const { k, cpuMs, heapBytes, rejection } = message;
      if (!isCount(k) || !isAmount(cpuMs) || !isCount(heapBytes) || typeof rejection !== "string")
        return fault("entered lacks its fields");
      return {
        ok: true,
        value: { type, lease, k, cpuMs, heapBytes, rejection: rejection.slice(0, MAX_MESSAGE_CHARS) },
      };
    }
    case "broken": {
      const { code, message: words, cpuMs } = message;
      if (!isBrokenCode(code) || typeof words !== "string" || !isAmount(cpuMs))
        return fault("broken lacks its fields");
      return { ok: true, value: { type, lease, code, message: words.slice(0, MAX_MESSAGE_CHARS), cpuMs } };
    }
    case "stopped":
      return { ok: true, value: { type, lease } };
    default:
      return fault("the message type is unknown");
  }
}

/** The text of a `posts` frame: a JSON array of arrays, written by the prelude, or by whoever broke out of it. */
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
    case "done":
      return typeof a === "string" ? { type, result: a } : undefined;
    case "fail":
      return isRecord(a) ? parseFail(a) : undefined;
    default:
      return undefined;
  }
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_CHARS;
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

const brokenCodes: readonly BrokenCode[] = [
  "cpu_timeout",
  "wall_timeout",
  "memory_exceeded",
  "engine_crashed",
  "guest_error",
];

function isBrokenCode(value: unknown): value is BrokenCode {
  return brokenCodes.some((code) => code === value);
}
