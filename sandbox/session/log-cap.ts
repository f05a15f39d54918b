/**
 * Console output of one run, counted outside the guest's reach. The first half of the limits is passed on as it comes.
 * Of the rest, the end is kept until the program is over, so that the output shows how the run began and how it ended;
 * a mark says how much is missing between. The rows that are passed on depend only on what was printed: a replay must
 * produce the same.
 */

import type { GuestLog } from "../engine.ts";
import type { RunLimits } from "../limits.ts";
import type { LogGap } from "./guest-posts.ts";

interface Held extends GuestLog {
  readonly bytes: number;
  /** The rest of a line whose beginning was passed on. */
  readonly isRest: boolean;
}

export class LogCap {
  /** Rows taken so far, cut ones included. */
  rows = 0;
  readonly #headLines: number;
  readonly #headBytes: number;
  readonly #tailLines: number;
  readonly #tailBytes: number;
  readonly #emit: (entry: GuestLog) => void;

  #linesPassed = 0;
  #bytesPassed = 0;
  /** Nothing is passed on any more. */
  #isFull = false;
  /** The line that did not fit whole: the beginning that fitted. */
  #begun: GuestLog | undefined;
  /** Newest last. */
  #held: Held[] = [];
  #heldLines = 0;
  #heldBytes = 0;
  #leftOut = { lines: 0, chars: 0 };

  constructor(limits: Pick<RunLimits, "logBytes" | "logLines">, emit: (entry: GuestLog) => void) {
    this.#headLines = Math.ceil(limits.logLines / 2);
    this.#headBytes = Math.ceil(limits.logBytes / 2);
    this.#tailLines = limits.logLines - this.#headLines;
    this.#tailBytes = limits.logBytes - this.#headBytes;
    this.#emit = emit;
  }

  /** UTF-8 bytes kept so far, without the mark. */
  get bytes(): number {
    const begun = this.#begun === undefined ? 0 : Buffer.byteLength(this.#begun.text);
    return this.#bytesPassed + begun + Math.min(this.#heldBytes, this.#tailBytes);
  }

  /** Whether something is held for the end. */
  get isHolding(): boolean {
    return this.#isFull;
  }

  take({ level, text, gap }: GuestLog & { readonly gap?: LogGap }): void {
    this.rows += 1;
    if (this.#isFull) {
      if (gap === undefined) this.#hold(level, text, false);
      else this.#holdAfterGap(level, text.length, gap, false);
      return;
    }
    const bytes = Buffer.byteLength(text);
    const room = this.#headBytes - this.#bytesPassed;
    if (this.#linesPassed < this.#headLines && bytes <= room && gap === undefined) {
      this.#linesPassed += 1;
      this.#bytesPassed += bytes;
      this.#emit({ level, text });
      return;
    }
    this.#isFull = true;
    const begins = this.#linesPassed < this.#headLines && room > 0;
    const head = begins ? beginning(text, room) : "";
    if (begins) this.#begun = { level, text: head };
    if (gap === undefined) this.#hold(level, text.slice(head.length), begins);
    else this.#holdAfterGap(level, text.length - head.length, gap, begins);
  }

  /** Counts lines that were dropped between those taken so far and those that follow. */
  skip(lines: number, chars: number): void {
    this.rows += 1;
    this.#isFull = true;
    while (this.#held.length > 0) this.#forget();
    this.#leave(lines, chars);
  }

  /** Passes on what is held, once. */
  close(): void {
    const rest = this.rest();
    this.#bytesPassed = this.bytes;
    this.#begun = undefined;
    this.#held = [];
    this.#heldLines = this.#heldBytes = 0;
    this.#leftOut = { lines: 0, chars: 0 };
    for (const entry of rest) this.#emit(entry);
  }

  /** What `close` would pass on. */
  rest(): readonly GuestLog[] {
    const begun = this.#begun;
    const [oldest, ...newer] = this.#held.map(({ level, text, isRest }) => ({ level, text, isRest }));
    const missing = { ...this.#leftOut };
    if (oldest !== undefined) {
      const kept = ending(oldest.text, this.#tailBytes - this.#heldBytes + Buffer.byteLength(oldest.text));
      missing.chars += oldest.text.length - kept.length;
      oldest.text = kept;
    }
    const mark = missing.lines + missing.chars === 0 ? "" : toMark(missing.lines, missing.chars);
    const lines = (oldest === undefined ? [] : [oldest, ...newer]).map(({ level, text }) => ({
      level,
      text,
    }));
    if (begun === undefined) return mark === "" ? lines : [{ level: "log", text: mark }, ...lines];
    // The rest of the line that was begun follows its beginning.
    if (oldest?.isRest === true) {
      const text = `${begun.text}${mark}${oldest.text}`;
      return [{ level: begun.level, text }, ...lines.slice(1)];
    }
    return [{ level: begun.level, text: `${begun.text}${mark}` }, ...lines];
  }

  #holdAfterGap(
    level: GuestLog["level"],
    charsBefore: number,
    { chars, tail }: LogGap,
    isRest: boolean,
  ): void {
    // The end alone fills all the space: nothing before it is kept.
    while (this.#held.length > 0) this.#forget();
    this.#leave(0, charsBefore + chars);
    this.#hold(level, tail, isRest);
  }

  #hold(level: GuestLog["level"], text: string, isRest: boolean): void {
    const kept = ending(text, this.#tailBytes);
    // When the end itself is cut, nothing before it is kept.
    if (kept.length < text.length) while (this.#held.length > 0) this.#forget();
    const isGone = kept === "" && text !== "";
    this.#leave(isGone && !isRest ? 1 : 0, text.length - kept.length);
    if (isGone) return;
    const bytes = Buffer.byteLength(kept);
    this.#held.push({ level, text: kept, bytes, isRest });
    this.#heldBytes += bytes;
    if (!isRest) this.#heldLines += 1;
    // The oldest may be too long by a part, which is cut off once, at the end, instead of at every line.
    while (this.#heldLines > this.#tailLines || this.#hasTailWithoutOldest()) this.#forget();
  }

  #hasTailWithoutOldest(): boolean {
    const [oldest] = this.#held;
    return oldest !== undefined && this.#held.length > 1 && this.#heldBytes - oldest.bytes >= this.#tailBytes;
  }

  #forget(): void {
    const oldest = this.#held.shift();
    if (oldest === undefined) return;
    this.#heldBytes -= oldest.bytes;
    if (!oldest.isRest) this.#heldLines -= 1;
    this.#leave(oldest.isRest ? 0 : 1, oldest.text.length);
  }

  #leave(lines: number, chars: number): void {
    this.#leftOut = { lines: this.#leftOut.lines + lines, chars: this.#leftOut.chars + chars };
  }
}

function toMark(lines: number, chars: number): string {
  const count = (n: number, what: string): string =>
    `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
  const missing =
    lines === 0 ? count(chars, "character") : `${count(lines, "line")}, ${count(chars, "character")}`;
  return `[output cut here: ${missing} left out]`;
}

/** At most so many bytes of it. A character cut in half would decode to a replacement character. */
function beginning(text: string, bytes: number): string {
  const all = Buffer.from(text.slice(0, bytes));
  let end = Math.min(bytes, all.length);
  while (end > 0 && isInside(all[end])) end -= 1;
  return all.toString("utf8", 0, end);
}

function ending(text: string, bytes: number): string {
  const all = Buffer.from(text.slice(-bytes || text.length));
  let start = Math.max(0, all.length - bytes);
  while (start < all.length && isInside(all[start])) start += 1;
  return start === 0 && text.length <= bytes ? text : all.toString("utf8", start);
}

/** Whether the byte continues a character. */
function isInside(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
