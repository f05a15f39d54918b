/**
 * A JSON value as text within a budget of tokens: what is too large is cut inside, so that it stays JSON and keeps its
 * shape. Arrays keep their first elements, objects all properties there is room for, texts their beginning; each says
 * how much of it is missing. Small parts stay whole, large ones share the room. A text that was cut is left as it is.
 * What a program printed keeps its beginning and its end: the last line says how far it came.
 */
import { isExact } from "../../json.ts";
import { countTokens } from "../../tokens.ts";

export interface FittedJson {
  /** JSON. Within the budget, if that is 100 tokens at least. */
  readonly text: string;
  /** Whether nothing was cut. */
  readonly isWhole: boolean;
  /** Of the whole value. */
  readonly wholeTokens: number;
}

/** Where the search for the right length begins: denser text is cut once more. */
const UNITS_PER_TOKEN = 4;
/** UTF-16 units that are always spent. */
const MIN_ROOM = 60;

/** A member with this name holds lines in their order. */
const LINES = "logs";

/**
 * `reserve`: tokens of the budget that are left free when something is cut, to say so. Of an object, the member `logs`
 * keeps both its ends.
 */
export function fitJson(value: unknown, tokenBudget: number, reserve = 0): FittedJson {
  const whole = JSON.stringify(value);
  const wholeTokens = countTokens(whole);
  if (wholeTokens <= tokenBudget) return { text: whole, isWhole: true, wholeTokens };
  const text = shorten(whole.length, tokenBudget - reserve, (room) => write(value, room, LINES));
  return { text, isWhole: false, wholeTokens };
}

/** As much of a text as fits, and how much is missing. */
export function fitText(text: string, tokenBudget: number): string {
  if (countTokens(text) <= tokenBudget) return text;
  return shorten(text.length, tokenBudget, (room) => cutText(text, room));
}

/** `cut` gives less the less room it has. */
function shorten(length: number, tokenBudget: number, cut: (room: number) => string): string {
  for (let room = Math.min(length, tokenBudget * UNITS_PER_TOKEN); ; ) {
    const text = cut(room);
    const tokens = countTokens(text);
    if (tokens <= tokenBudget || room <= MIN_ROOM) return text;
    room = Math.max(MIN_ROOM, Math.floor(room * Math.min(0.95, tokenBudget / tokens)));
  }
}

/** What says how much is missing: `… 4,200 more`. */
const more = (count: number, of = ""): string => `… ${count.toLocaleString("en-US")} more${of}`;
/** Units that the mark of an array or an object takes, commas and quotes and all. */
const MARK = 26;
/** UTF-16 units. A part is not begun with less room. */
const LEAST = 24;
/** Elements of an array that share the room. Those behind them are whole or left out. */
const SHARING = 4;

/** JSON text of about `room` UTF-16 units at most. */
function write(value: unknown, room: number, linesIn?: string): string {
  if (sizeOf(value, room) <= room) return JSON.stringify(value);
  if (typeof value === "string") return writeString(value, room);
  if (Array.isArray(value)) return writeArray(value, room - MARK);
  if (isObject(value)) return writeObject(value, room - MARK, linesIn);
  return JSON.stringify(value);
}

function writeArray(values: readonly unknown[], room: number): string {
  const first = values.slice(0, SHARING).map((value) => sizeOf(value, room) + 1);
  const most = Math.max(levelOf(first, room), LEAST);
  const parts: string[] = [];
  let left = room;
  for (const value of values) {
    const size = sizeOf(value, Math.min(most, left));
    // Behind small elements there may be room for most of a large one.
    const isBegun = parts.length < SHARING || (size > left && left > room / 2);
    if (left < LEAST || (size > Math.min(most, left) && !isBegun)) break;
    const part = write(value, Math.min(most, left));
    parts.push(part);
    left -= part.length + 1;
  }
  const missing = values.length - parts.length;
  return `[${[...parts, ...(missing === 0 ? [] : [JSON.stringify(more(missing))])].join(",")}]`;
}

function writeObject(object: { readonly [name: string]: unknown }, room: number, linesIn?: string): string {
  const entries = Object.entries(object);
  const kept: {
    readonly key: string;
    readonly value: unknown;
    readonly size: number;
    readonly isLines: boolean;
  }[] = [];
  let left = room;
  for (const [name, value] of entries) {
    if (name.length > left) break;
    const key = `${JSON.stringify(name)}:`;
    const size = sizeOf(value, room);
    if (key.length + 1 + Math.min(size, LEAST) > left) break;
    kept.push({ key, value, size, isLines: name === linesIn && isLines(value) });
    left -= key.length + 1 + Math.min(size, LEAST);
  }
  const keys = kept.reduce((sum, { key }) => sum + key.length + 1, 0);
  const level = levelOf(
    kept.map(({ size }) => size),
    room - keys,
  );
  const parts = kept.map(({ key, value, size, isLines }) => {
    const most = Math.min(size, level);
    return `${key}${isLines ? writeLines(value as readonly string[], most) : write(value, most)}`;
  });
  const missing = entries.length - kept.length;
  if (missing > 0) parts.push(`${JSON.stringify(freeName(object))}:${JSON.stringify(more(missing))}`);
  return `{${parts.join(",")}}`;
}

function isLines(value: unknown): boolean {
  return Array.isArray(value) && value.every((line) => typeof line === "string");
}

/** The first and the last lines, and of a long one its beginning and its end. */
function writeLines(lines: readonly string[], room: number): string {
  if (sizeOf(lines, room) <= room) return JSON.stringify(lines);
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) return `[${writeLine(only, room - 2)}]`;
  const half = Math.floor((room - MARK) / 2);
  const last = takeLines(lines.toReversed(), half, lines.length - 1).toReversed();
  const first = takeLines(lines, half, lines.length - last.length);
  const missing = lines.length - first.length - last.length;
  return `[${[...first, ...(missing === 0 ? [] : [JSON.stringify(more(missing, " lines"))]), ...last].join(",")}]`;
}

function takeLines(lines: readonly string[], room: number, most: number): readonly string[] {
  const parts: string[] = [];
  let left = room;
  for (const line of lines.slice(0, most)) {
    const size = sizeOf(line, left) + 1;
    // One line is better than none.
    if (left < LEAST || (size > left && parts.length > 0)) break;
    const part = writeLine(line, left - 1);
    parts.push(part);
    left -= part.length + 1;
  }
  return parts;
}

function writeLine(line: string, room: number): string {
  if (sizeOf(line, room) <= room) return JSON.stringify(line);
  for (let length = room - 2; ; length = Math.floor(length * 0.8)) {
    const cut = JSON.stringify(cutInside(line, length));
    if (cut.length <= room || length < LEAST) return cut;
  }
}

function cutInside(text: string, room: number): string {
  const half = Math.max(0, Math.floor((room - more(text.length, " characters").length - 4) / 2));
  const head = wholeCharacters(text.slice(0, half));
  const tail = half === 0 ? "" : text.slice(-half).replace(/^[\uDC00-\uDFFF]/, "");
  return `${head} ${more(text.length - head.length - tail.length, " characters")} … ${tail}`;
}

function freeName(object: { readonly [name: string]: unknown }): string {
  let name = "…";
  while (Object.hasOwn(object, name)) name += "…";
  return name;
}

function writeString(text: string, room: number): string {
  for (let length = room - 2; ; length = Math.floor(length * 0.8)) {
    const cut = JSON.stringify(cutText(text, length));
    if (cut.length <= room || length < LEAST) return cut;
  }
}

function cutText(text: string, room: number): string {
  const length = Math.max(0, room - more(text.length, " characters").length - 1);
  const head = wholeCharacters(text.slice(0, length));
  return `${head} ${more(text.length - head.length, " characters")}`;
}

/** Drops the half of a character that a cut can leave. */
function wholeCharacters(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, "");
}

/** The most that each part may have, so that all together fit into `room`. Small parts leave their share to others. */
function levelOf(sizes: readonly number[], room: number): number {
  let left = room;
  for (const [index, size] of sizes.toSorted((a, b) => a - b).entries()) {
    const share = left / (sizes.length - index);
    if (size > share) return Math.max(0, Math.floor(share));
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

/** UTF-16 units of the JSON text. Infinity when they exceed `room`; no more than that is read. */
function sizeOf(value: unknown, room: number): number {
  const size = sizeWithin(value, room);
  return size <= room ? size : Number.POSITIVE_INFINITY;
}

function sizeWithin(value: unknown, room: number): number {
  if (typeof value === "string" && value.length > room) return value.length;
  if (Array.isArray(value)) {
    let size = 1;
    for (const inner of value) {
      size += 1 + sizeWithin(inner, room - size);
      if (size > room) return size;
    }
    return Math.max(size, 2);
  }
  if (isObject(value)) {
    let size = 1;
    for (const name in value) {
      size += name.length > room ? name.length : JSON.stringify(name).length + 2;
      size += sizeWithin(value[name], room - size);
      if (size > room) return size;
    }
    return Math.max(size, 2);
  }
  return JSON.stringify(value).length;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !isExact(value);
}
