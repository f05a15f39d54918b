/**
 * JSON whose numbers keep their digits. A number that a double cannot hold is an `ExactNumber`: what `JSON.rawJSON`
 * makes of its text, which every `JSON.stringify` writes back digit by digit. All other values are what `JSON.parse`
 * gives. Such a number cannot be cloned or posted to a thread; as text it can go anywhere.
 */

/** A number of which a double would lose digits, as its text. Integers are plain digits, whatever their exponent was. */
export interface ExactNumber {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    rawJSON(text: string): ExactNumber;
    isRawJSON(value: unknown): value is ExactNumber;
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** As `JSON.parse`, but that numbers keep their digits. A text without long numbers costs one scan more. @throws SyntaxError */
export function parseJson(text: string): unknown {
  if (!mayLoseDigits(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, (_key, value, { source }) => keepDigits(value, source));
  } catch (error) {
    // Some thousand levels deep only the plain parser can go.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
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

/** Whether a double would lose digits of a number in this JSON text; true also for a few texts of which it would not. */
export function mayLoseDigits(text: string): boolean {
  return LONG_NUMBER.test(text);
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

/** A number from its text: exact where a double would lose digits of it. */
export function exactly(source: string): number | ExactNumber {
  const number = Number(source);
  if (!Number.isFinite(number)) return JSON.rawJSON(source);
  const printed = String(number);
  if (printed === source) return number;
  const given = decimalOf(source);
  const held = decimalOf(printed);
  if (given.digits === held.digits && given.exponent === held.exponent) return number;
  if (given.exponent >= 0) return JSON.rawJSON(`${given.sign}${given.digits}${"0".repeat(given.exponent)}`);
  // Shorter ones stand for the double that they were printed from.
  return given.digits.length > MOST_PRINTED_DIGITS ? JSON.rawJSON(source) : number;
}

/** No double is printed with more. */
const MOST_PRINTED_DIGITS = 17;

/**
 * Numbers of 16 digits before the point, of 18 in all, or with an exponent that may be beyond any double. Where a number
 * can begin in JSON, so that the digits of hashes and timestamps are none.
 */
const LONG_NUMBER = /(?:^|[[:,\s])-?(?:\d{16}|0\.0*[1-9]\d{17}|[1-9][\d.]{18}|\d+(?:\.\d+)?[eE]\+?\d{2})/;

function keepDigits(value: unknown, source: string | undefined): unknown {
  return typeof value === "number" && source !== undefined ? exactly(source) : value;
}

/** `digits` × 10^`exponent`; the digits neither begin nor end with a zero. */
interface Decimal {
  readonly sign: "" | "-";
  readonly digits: string;
  readonly exponent: number;
}

function decimalOf(source: string): Decimal {
  const [, sign = "", whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const all = `${whole}${fraction}`.replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const exponent = Number(power) - fraction.length + (all.length - digits.length);
  return { sign: sign === "-" ? "-" : "", digits, exponent: digits === "" ? 0 : exponent };
}
