/**
 * Makes texts of programs, tools and people safe for a terminal: characters that would control it are shown instead of
 * sent.
 */

/** Control characters, line and paragraph separators, and characters that change the direction of text. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Line breaks are kept. */
export function toVisible(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === "\n" || character === "\t" ? character : toEscape(character),
  );
}

/** For a cell of a table. */
export function toVisibleLine(text: string): string {
  return text.replace(OBEYED, toEscape);
}

/** One line that parses to the same value. */
export function toVisibleJson(value: unknown): string {
  return JSON.stringify(value).replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function toEscape(character: string): string {
  return `\\u{${character.charCodeAt(0).toString(16)}}`;
}
