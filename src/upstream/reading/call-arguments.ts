/**
 * The arguments of one call as they arrive. Providers send a placeholder (`{}`) before the real ones, send them all
 * again at the end, or repeat everything so far in each piece. From here on every part is passed on once.
 */
import { createJsonScan } from "../provider/json-scan.ts";

export interface CallArguments {
  /** Takes a piece, and returns its new part. A placeholder is held back, because it may be replaced. */
  add(text: string): string;
  /** The text still held back when nothing more follows. */
  release(): string;
  /** Whether arguments came, and their value is complete. */
  readonly isWhole: boolean;
  /** Whether arguments came, and more must follow. */
  readonly isOpen: boolean;
  /** Whether nothing but perhaps a placeholder has come. */
  readonly isVacant: boolean;
  /** Whether the text repeats all of them. */
  isRepeatedBy(text: string): boolean;
  /** The new part of a text that repeats them from their beginning; undefined for any other text. */
  restOf(text: string): string | undefined;
}

/** Longest texts that are parsed to see whether they spell the same value. */
const MAX_COMPARED_CHARS = 64 * 1024;

/** Custom tools take text of any form: there every piece is new. */
export function createCallArguments(isCustom: boolean): CallArguments {
  const scan = createJsonScan();
  // Only compared with texts of equal length: reading it would copy it each time it has grown.
  let said = "";
  let held = "";
  let isObject = false;

  const append = (text: string): string => {
    if (said === "") isObject = text.startsWith("{");
    said += text;
    if (!isCustom) scan.read(text);
    return text;
  };
  const isRepeatedBy = (text: string): boolean =>
    text.length === said.length ? text === said : scan.isWhole && isSameJson(text, said);
  const isContinuedBy = (text: string): boolean => text.length >= said.length && text.startsWith(said);

  return {
    add(text) {
      if (text === "" || isCustom) return append(text);
      if (said === "") {
        if (isStandIn(text) || (held !== "" && text.trim() === "")) {
          held = text;
          return "";
        }
        const earlier = /^\s*[{"]/.test(text) ? "" : held;
        held = "";
        return append(earlier + text);
      }
      if (scan.isWhole)
        return text.trim() === "" || isStandIn(text) || isRepeatedBy(text) ? "" : append(text);
      // A second opening brace cannot follow the first, so this piece is a repetition, not a continuation.
      if (isObject && isContinuedBy(text)) return append(text.slice(said.length));
      return append(text);
    },
    release() {
      const text = held;
      held = "";
      return said === "" ? append(text) : "";
    },
    get isWhole() {
      return !isCustom && (held !== "" || scan.isWhole);
    },
    get isOpen() {
      return said !== "" && (isCustom || !scan.isWhole);
    },
    get isVacant() {
      return said === "";
    },
    isRepeatedBy,
    restOf(text) {
      if (text === "" || said === "") return text;
      if (isRepeatedBy(text)) return "";
      return isContinuedBy(text) ? text.slice(said.length) : undefined;
    },
  };
}

export function isStandIn(text: string): boolean {
  return text.length < 16 && /^\s*(\{\s*\}|null)\s*$/.test(text);
}

function isSameJson(one: string, other: string): boolean {
  if (Math.max(one.length, other.length) > MAX_COMPARED_CHARS) return false;
  // The same value rarely has a very different length: not every piece is worth parsing.
  if (one.length * 4 < other.length || other.length * 4 < one.length) return false;
  try {
    return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
  } catch {
    return false;
  }
}
