/**
 * Numbers of a JSON text beyond a double's precision: finds them, and puts them into the value that `JSON.parse` made
 * of the text with marks in their places.
 */
import {
  type ExactNumber,
  exactlyShaped,
  isSurelyHeld,
  type NumberShape,
  readNumber,
} from "./exact-number.ts";

interface LongNumber {
  /** The offset at which it begins, and the offset after it. */
  readonly start: number;
  readonly end: number;
  readonly number: ExactNumber;
}

/**
 * Matches every JSON text with a long number, and some others: sixteen digits, around a point or not, or an exponent,
 * where a number can begin. For a chunk of a stream it costs half of what the scan costs. A long text with many rows of
 * fifteen digits would take it longer than the scan.
 */
const MAY_BE_LONG = /(?:^|[[:,\s])-?(?:[\d.]{16}|[\d.]+[eE])/;
const SHORT_CHARS = 65_536;

/**
 * The numbers in order, at most `most`. The text may be invalid JSON. Numbers in strings and in places of names do not
 * count.
 */
export function longNumbersIn(text: string, most: number = Number.POSITIVE_INFINITY): readonly LongNumber[] {
  if (text.length <= SHORT_CHARS && !MAY_BE_LONG.test(text)) return [];
  const found: LongNumber[] = [];
  const shape: NumberShape = { digits: 0, exponent: 0, end: 0, valid: true };
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfText(text, at);
    else if ((char >= ZERO && char <= NINE) || char === MINUS) {
      readNumber(text, at, shape);
      const { end } = shape;
      if (!isSurelyHeld(shape) && shape.valid && !isName(text, end)) {
        const number = exactlyShaped(text.slice(at, end), shape);
        if (typeof number !== "number" && found.push({ start: at, end, number }) === most) break;
      }
      at = end - 1;
    }
  }
  return found;
}

/** A number in the place of a name is a syntax fault, which a mark would hide. */
function isName(text: string, end: number): boolean {
  let at = end;
  let char = text.charCodeAt(at);
  while (char === 0x20 || (char >= 0x09 && char <= 0x0d)) char = text.charCodeAt(++at);
  return char === COLON;
}

/** The offset of the closing quote of the string that opens at `at`; the text's length when there is none. */
function endOfText(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next += 1) {
    const char = text.charCodeAt(next);
    if (char === QUOTE) return next;
    if (char === BACKSLASH) next += 1;
  }
  return text.length;
}

const [QUOTE, BACKSLASH, COLON, COMMA, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x3a, 0x2c, 0x2d, 0x30, 0x39];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The value of the text with marks. Wrapped in an object, because the value itself may be a number. */
export interface Marked {
  [name: string | number]: unknown;
}

/**
 * Puts the numbers into the value. Follows the paths through the text, which is valid JSON, and enters the value only
 * where a number belongs. Where a name occurs twice in an object, the value has the last occurrence, so the number of
 * an earlier one finds no mark or is replaced.
 */
export function putBack(
  marked: Marked,
  from: { readonly text: string; readonly mark: string; readonly numbers: readonly LongNumber[] },
): unknown {
  const { text, mark, numbers } = from;
  const path = new Path(text, marked);
  let at = 0;
  let isMissed = false;
  for (const { start, number } of numbers) {
    for (; at < start; at += 1) {
      const char = text.charCodeAt(at);
      if (char === QUOTE) {
        path.text(at);
        at = endOfText(text, at);
      } else if (char === COMMA) path.next();
      else if (char === OPENING_BRACKET) path.open(0);
      else if (char === OPENING_BRACE) path.open(NO_NAME);
      else if (char === CLOSING_BRACKET || char === CLOSING_BRACE) path.close();
    }
    if (!path.put(mark, number)) isMissed = true;
  }
  // V8 misreads an escaped name after a name that begins with a backslash. Then doubles are better than marks.
  return isMissed && holds(marked, mark) ? JSON.parse(text) : marked["value"];
}

/** With a list instead of recursion: the value may be nested very deeply. */
function holds(value: unknown, mark: string): boolean {
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (next === mark) return true;
    if (!isHolder(next) || JSON.isRawJSON(next)) continue;
    for (const item of Array.isArray(next) ? next : Object.values(next))
      if (typeof item === "string" || isHolder(item)) open.push(item);
  }
  return false;
}

/** The current position in the text: one place for each open array and object. */
class Path {
  readonly #text: string;
  /**
   * For an array, the index. For an object, the complement of the offset at which its last string begins; that string
   * is its name when a value follows. The first place is the root's.
   */
  readonly #places: number[] = [NO_NAME];
  /** The open arrays and objects themselves, as far as they were looked up. */
  readonly #holders: (Marked | undefined)[];

  constructor(text: string, marked: Marked) {
    this.#text = text;
    this.#holders = [marked];
  }

  open(place: number): void {
    this.#places.push(place);
  }

  close(): void {
    this.#places.pop();
    if (this.#holders.length > this.#places.length) this.#holders.pop();
  }

  next(): void {
    const depth = this.#places.length - 1;
    const place = this.#places[depth] ?? NO_NAME;
    if (place >= 0) this.#places[depth] = place + 1;
  }

  text(start: number): void {
    const depth = this.#places.length - 1;
    if ((this.#places[depth] ?? 0) < 0) this.#places[depth] = ~start;
  }

  /** Puts a number at this place if a mark is here, or the number of an earlier occurrence. Returns whether it did. */
  put(mark: string, number: ExactNumber): boolean {
    for (let depth = this.#holders.length; depth < this.#places.length; depth += 1) {
      const inner: unknown = this.#holders[depth - 1]?.[this.#name(depth - 1)];
      this.#holders.push(isHolder(inner) ? inner : undefined);
    }
    const depth = this.#places.length - 1;
    const holder = this.#holders[depth];
    const name = this.#name(depth);
    const present = holder?.[name];
    if (holder === undefined || (present !== mark && !JSON.isRawJSON(present))) return false;
    holder[name] = number;
    return true;
  }

  #name(depth: number): string | number {
    if (depth === 0) return "value";
    const place = this.#places[depth] ?? NO_NAME;
    if (place >= 0) return place;
    const name = this.#text.slice(~place + 1, endOfText(this.#text, ~place));
    return name.includes("\\") ? String(JSON.parse(`"${name}"`)) : name;
  }
}

/** An object of which no name was read. */
const NO_NAME = -1;

function isHolder(value: unknown): value is Marked {
  return typeof value === "object" && value !== null;
}
