/**
 * The arguments of one call while they come. Providers begin with a stand-in (`{}`) before the real ones, send them all
 * again at the end, or send with each piece all that came before; what goes on from here is said once.
 */
import { createJsonScan } from "../provider/json-scan.ts";

export interface CallArguments {
  /** Takes a piece, and returns what of it is new. A stand-in is held back: something may replace it. */
  add(text: string): string;
  /** What is still held back when nothing follows. */
  release(): string;
  /** Whether some came, and their value is whole. */
  readonly isWhole: boolean;
  /** Whether some came, and more must follow. */
  readonly isOpen: boolean;
  /** Whether nothing came yet but perhaps a stand-in. */
  readonly isVacant: boolean;
  /** Whether the text is all of them once more. */
  isRepeatedBy(text: string): boolean;
  /** What a text that tells them from their beginning adds; undefined for one that does not. */
  restOf(text: string): string | undefined;
}

/** Characters up to which two spellings of the same value are found to be the same. */
const MAX_COMPARED_CHARS = 64 * 1024;

/** Custom tools take text of any form: there everything is new. */
export function createCallArguments(isCustom: boolean): CallArguments {
  const scan = createJsonScan();
  // Only compared with texts of its length: to look into it would copy it, each time that it has grown.
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
      // After an opening brace no second one can follow, so that this is not the next piece.
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
  // Another value is rarely about as long: not every piece is worth being parsed.
  if (one.length * 4 < other.length || other.length * 4 < one.length) return false;
  try {
    return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
  } catch {
    return false;
  }
}
