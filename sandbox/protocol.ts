/**
 * Every message over either wall, in both directions.
 *
 *   gateway ⇄ worker process   frames on one descriptor: a small JSON header and one opaque text beside it, so that
 *                              payloads are neither escaped twice nor parsed where nobody looks at them
 *   worker ⇄ isolate           strings and numbers only: `post(text)` out (guest-posts.ts), `enter(kind, n, at, payload)` in
 *
 * What comes from a worker is hostile. The functions named `parse…` accept any bytes or text, never throw, and give
 * either a message of exactly these shapes or the reason why it is none; a violation ends the worker.
 */
import type { RunLimits } from "./limits.ts";

/** Fences late messages: every lease of a slot has a number of its own, never used again in this gateway. */
export type LeaseId = number;

/** Messages from the gateway to a worker. */
export type ToWorker =
  | {
      readonly type: "start";
      readonly lease: LeaseId;
      readonly startedAt: number;
      readonly limits: RunLimits;
      /**
       * Length of the JSON for the prelude (namespaces, input, seed, limits) at the start of the text; the program
       * follows.
       */
      readonly configChars: number;
      readonly text: string;
      /**
       * Set when the program runs only to find its place: each entry is stopped after so many milliseconds, which tells
       * the place.
       */
      readonly entryMs?: number;
    }
  | (Entry & { readonly type: "enter"; readonly lease: LeaseId })
  /** Asks the program to report, by an `at`, where it waits. Not an entry: the program itself does not run. */
  | { readonly type: "where"; readonly lease: LeaseId }
  /** Ends a lease: the isolate is disposed, and `stopped` confirms that nothing of it runs any more. */
  | { readonly type: "stop"; readonly lease: LeaseId };

/**
 * One entry into the isolate: one settlement or one timer, microtasks drained before the next. The unit of replay;
 * entry 0 is the program's start.
 */
export interface Entry {
  readonly k: number;
  /** The number of the call or timer that it answers. */
  readonly n: number;
  readonly kind: "value" | "error" | "timer";
  /** The program's clock from here on, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** JSON text: the value, or a GuestToolError; empty for a timer. Travels as the frame's text. */
  readonly text: string;
}

/** Messages from a worker. */
export type FromWorker =
  | { readonly type: "ready"; readonly preludeVersion: string; readonly rssBytes: number }
  /** The guest's posts since the last frame: see guest-posts.ts. */
  | { readonly type: "posts"; readonly lease: LeaseId; readonly text: string }
  /** Entry k is over: its microtasks are drained, its posts were sent before this message. */
  | {
      readonly type: "entered";
      readonly lease: LeaseId;
      readonly k: number;
      readonly cpuMs: number;
      readonly heapBytes: number;
      /** Message of a promise that was rejected in this entry without a handler; empty when there was none. */
      readonly rejection: string;
      /** `line:column` of that rejection; empty when the engine does not know it. */
      readonly rejectedAt: string;
    }
  /** A limit inside the isolate was exceeded, or the engine failed for this lease only. Final. */
  | {
      readonly type: "broken";
      readonly lease: LeaseId;
      readonly code: BrokenCode;
      readonly message: string;
      readonly cpuMs: number;
      /** `line:column` in `program.js` of the code that was executing; empty when the engine does not know it. */
      readonly at: string;
    }
  | { readonly type: "stopped"; readonly lease: LeaseId };

export type BrokenCode =
  | "cpu_timeout"
  | "wall_timeout"
  | "memory_exceeded"
  | "engine_crashed"
  | "guest_error";

/** Error text that leaves the isolate is cut here; a program can build a message as large as its heap. */
export const MAX_MESSAGE_CHARS = 4_096;
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export const fault = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

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
      const { k, cpuMs, heapBytes, rejection, rejectedAt } = message;
      if (!isCount(k) || !isAmount(cpuMs) || !isCount(heapBytes)) return fault("entered lacks its fields");
      if (typeof rejection !== "string" || typeof rejectedAt !== "string")
        return fault("entered lacks its fields");
      const words = rejection.slice(0, MAX_MESSAGE_CHARS);
      return { ok: true, value: { type, lease, k, cpuMs, heapBytes, rejection: words, rejectedAt } };
    }
    case "broken": {
      const { code, message: words, cpuMs, at } = message;
      if (!isBrokenCode(code) || typeof words !== "string" || !isAmount(cpuMs) || typeof at !== "string")
        return fault("broken lacks its fields");
      return {
        ok: true,
        value: { type, lease, code, message: words.slice(0, MAX_MESSAGE_CHARS), cpuMs, at },
      };
    }
    case "stopped":
      return { ok: true, value: { type, lease } };
    default:
      return fault("the message type is unknown");
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
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

/** The engine's words for a rejection whose reason is an object but no error. */
export const A_THROWN_OBJECT = "a thrown object that is no error";
