/**
 * JSON whose numbers keep their digits. A number that a double cannot hold is an `ExactNumber`: what `JSON.rawJSON`
 * makes of its text, which every `JSON.stringify` writes back digit by digit. All other values are what `JSON.parse`
 * gives. Such a number cannot be cloned or posted to a thread; as text it can go anywhere.
 */
import { randomBytes } from "node:crypto";
import { type ExactNumber, exactly } from "./json/exact-number.ts";
import { longNumbersIn, type Marked, putBack } from "./json/long-numbers.ts";

/**
 * As `JSON.parse`, but that numbers keep their digits. A text without long numbers costs one scan more; with such numbers
 * it is parsed with a mark in the place of each, and no value beside them is visited.
 *
 * @throws SyntaxError in the words of `JSON.parse`
 */
export function parseJson(text: string): unknown {
  const numbers = longNumbersIn(text);
  if (numbers.length === 0) return JSON.parse(text);
  // Nobody can send it, and V8 keeps texts of up to ten characters once.
  const mark = randomBytes(8).toString("base64url").slice(0, 10);
  const pieces: string[] = [];
  let end = 0;
  for (const number of numbers) {
    pieces.push(text.slice(end, number.start));
    ({ end } = number);
  }
  pieces.push(text.slice(end));
  return putBack(parseMarked(pieces.join(`"${mark}"`), text), { text, mark, numbers });
}

function parseMarked(marked: string, text: string): Marked {
  try {
    return { value: JSON.parse(marked) };
  } catch {
    // What is wrong is told of the text that came.
    return { value: JSON.parse(text) };
  }
}

/** Whether a double would lose digits of a number in this JSON text. */
export function mayLoseDigits(text: string): boolean {
  return longNumbersIn(text, 1).length > 0;
}

/**
 * As `JSON.stringify`, but that a BigInt beyond the numbers is written as the integer that it is.
 *
 * @throws TypeError for a cycle, and for a BigInt where a number would do
 */
export function writeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_key, inner: unknown) => {
      const number = typeof inner === "bigint" ? exactly(inner.toString()) : inner;
      return isExact(number) ? number : inner;
    });
  }
}

export function isExact(value: unknown): value is ExactNumber {
  return JSON.isRawJSON(value);
}

/** Whether it is a JSON object: neither an array nor a number that keeps its digits. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExact(value);
}

/** As JavaScript has such a number where it is no text: an integer as a BigInt, anything else as the nearest double. */
export function toBigInt({ rawJSON }: ExactNumber): bigint | number {
  return /^-?\d+$/.test(rawJSON) ? BigInt(rawJSON) : Number(rawJSON);
}

/**
 * The value with `replace` of each exact number in the place of the number. Without such numbers it is the value itself;
 * what holds none is shared with it.
 */
export function replaceExact(value: unknown, replace: (number: ExactNumber) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isExact(value)) return replace(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => replaceExact(item, replace));
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const entries = Object.entries(value);
  const replaced = entries.map(([key, item]) => [key, replaceExact(item, replace)] as const);
  const isChanged = replaced.some(([, item], at) => item !== entries[at]?.[1]);
  return isChanged ? Object.fromEntries(replaced) : value;
}

/** The value with the nearest double for each exact number: to calculate with, or to compare. */
export function toDoubles(value: unknown): unknown {
  return replaceExact(value, ({ rawJSON }) => Number(rawJSON));
}
