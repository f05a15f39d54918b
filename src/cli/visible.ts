/**
 * What programs, tools and people wrote goes to somebody's terminal: characters that a terminal obeys are shown instead
 * of sent.
 */

/** Controls, line and paragraph separators, and what reverses the direction of text. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Several lines may stay several lines. */
export function toVisible(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === "\n" || character === "\t" ? character : toEscape(character),
  );
}

/** For a cell of a table. */
export function toVisibleLine(text: string): string {
  return text.replace(OBEYED, toEscape);
}

/** One line that is the same value to whoever parses it. */
export function toVisibleJson(value: unknown): string {
  return JSON.stringify(value).replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function toEscape(character: string): string {
  return `\\u{${character.charCodeAt(0).toString(16)}}`;
}
