/**
 * JSON whose numbers keep their digits. A number beyond a double's precision is an `ExactNumber`, made by
 * `JSON.rawJSON` from its text; every `JSON.stringify` writes it back digit by digit. All other values are those of
 * `JSON.parse`. An exact number cannot be cloned or posted to a thread, except as text.
 */
import { randomBytes } from "node:crypto";
import { type ExactNumber, exactly } from "./json/exact-number.ts";
import { longNumbersIn, type Marked, putBack } from "./json/long-numbers.ts";

/**
 * Like `JSON.parse`, but numbers keep their digits. A text without long numbers costs one more scan. In a text with
 * some, a mark takes the place of each before the text is parsed; values beside the marks are not visited.
 *
 * @throws SyntaxError with the message of `JSON.parse`
 */
export function parseJson(text: string): unknown {
  const numbers = longNumbersIn(text);
  if (numbers.length === 0) return JSON.parse(text);
  // Random, so that no sender can guess it. V8 stores equal texts of up to ten characters only once.
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
    // Parsed again, so that the error is about the text as it came.
    return { value: JSON.parse(text) };
  }
}

/** Whether a double would lose digits of a number in this JSON text. */
export function mayLoseDigits(text: string): boolean {
  return longNumbersIn(text, 1).length > 0;
}

/**
 * Like `JSON.stringify`, but a BigInt beyond a number's precision is written as that integer.
 *
 * @throws TypeError for a cycle, and for a BigInt that a number could hold
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

/** Whether it is a JSON object: neither an array nor an exact number. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExact(value);
}

/** The closest value in JavaScript: an integer as a BigInt, any other number as the nearest double. */
export function toBigInt({ rawJSON }: ExactNumber): bigint | number {
  return /^-?\d+$/.test(rawJSON) ? BigInt(rawJSON) : Number(rawJSON);
}

/**
 * A copy with `replace(number)` in place of each exact number. A value without such numbers is returned itself; parts
 * without them are shared.
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

/** The value with the nearest double for each exact number, to calculate or to compare. */
export function toDoubles(value: unknown): unknown {
  return replaceExact(value, ({ rawJSON }) => Number(rawJSON));
}
