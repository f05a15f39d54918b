/**
 * Numbers of JSON beyond a double's precision, made by `JSON.rawJSON` from their text: every `JSON.stringify` writes
 * them back digit by digit. Such a number cannot be cloned or posted to a thread, except as text.
 */

/** A number that would lose digits as a double, as its text. Integers are plain digits, whatever their exponent was. */
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

/** The shape of a number's text: `digits` digits, of which the last stands for 10^`exponent`; neither end is a zero. */
export interface NumberShape {
  /** 0 for zero, in every notation. */
  digits: number;
  exponent: number;
  /** The offset at which the number ends. */
  end: number;
  /** False when the text is not a JSON number. */
  valid: boolean;
}

/** Parses the number at `at` into `shape`, which is reused because large texts have many numbers. */
export function readNumber(text: string, at: number, shape: NumberShape): void {
  let first = -1;
  let last = -1;
  let char = text.charCodeAt(at);
  if (char === MINUS) char = text.charCodeAt(++at);
  const start = at;
  for (; char >= ZERO && char <= NINE; char = text.charCodeAt(++at))
    if (char !== ZERO) {
      if (first === -1) first = at;
      last = at;
    }
  const point = at;
  shape.valid = point > start && (point === start + 1 || text.charCodeAt(start) !== ZERO);
  if (char === POINT) {
    char = text.charCodeAt(++at);
    for (; char >= ZERO && char <= NINE; char = text.charCodeAt(++at))
      if (char !== ZERO) {
        if (first === -1) first = at;
        last = at;
      }
    shape.valid &&= at > point + 1;
  }
  let power = 0;
  if (char === CAPITAL_E || char === SMALL_E) {
    char = text.charCodeAt(++at);
    const isNegative = char === MINUS;
    if (isNegative || char === PLUS) char = text.charCodeAt(++at);
    const digitsAt = at;
    for (; char >= ZERO && char <= NINE; char = text.charCodeAt(++at)) power = power * 10 + (char - ZERO);
    shape.valid &&= at > digitsAt;
    if (isNegative) power = -power;
  }
  const isSplit = first < point && last > point;
  shape.digits = first === -1 ? 0 : last - first + (isSplit ? 0 : 1);
  shape.exponent = first === -1 ? 0 : power + (last < point ? point - last - 1 : point - last);
  shape.end = at;
}

const [MINUS, PLUS, POINT, ZERO, NINE, CAPITAL_E, SMALL_E] = [0x2d, 0x2b, 0x2e, 0x30, 0x39, 0x45, 0x65];

/** Whether the shape alone proves that a double holds the number. */
export function isSurelyHeld({ digits, exponent }: NumberShape): boolean {
  if (digits <= HELD_DIGITS) return digits + exponent <= HELD_POWER;
  return digits <= MOST_PRINTED_DIGITS && exponent < 0;
}

/** Every decimal with so many digits has a double of its own. */
const HELD_DIGITS = 15;
/** Below 10^308. */
const HELD_POWER = 300;
/** No double prints more digits; a fraction with fewer stands for the double that prints as it. */
const MOST_PRINTED_DIGITS = 17;

/** A number from its text: exact where a double would lose digits. */
export function exactly(source: string): number | ExactNumber {
  const shape: NumberShape = { digits: 0, exponent: 0, end: 0, valid: true };
  readNumber(source, 0, shape);
  return isSurelyHeld(shape) ? Number(source) : exactlyShaped(source, shape);
}

/** Like `exactly`, for a text whose shape was parsed. */
export function exactlyShaped(source: string, shape: NumberShape): number | ExactNumber {
  const number = Number(source);
  if (!Number.isFinite(number)) return JSON.rawJSON(source);
  const { digits, exponent } = shape;
  if (exponent < 0) return digits > MOST_PRINTED_DIGITS ? JSON.rawJSON(source) : number;
  const integer = asInteger(source, shape);
  if (digits > MOST_PRINTED_DIGITS) return JSON.rawJSON(integer);
  return asInteger(String(number)) === integer ? number : JSON.rawJSON(integer);
}

/** The plain digits of an integer, whose text may have a fraction or an exponent. */
function asInteger(source: string, shape?: NumberShape): string {
  if (PLAIN_INTEGER.test(source)) return source;
  const known = shape ?? { digits: 0, exponent: 0, end: 0, valid: true };
  if (shape === undefined) readNumber(source, 0, known);
  const written = source
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
  const sign = source.startsWith("-") ? "-" : "";
  return `${sign}${written.slice(0, known.digits)}${"0".repeat(known.exponent)}`;
}

const PLAIN_INTEGER = /^-?\d+$/;
