/** What a program says goes to somebody's terminal: characters that a terminal obeys are shown instead of sent. */

/** Controls but line feed and tab, line and paragraph separators, and what reverses the direction of text. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

export function toVisible(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === "\n" || character === "\t" ? character : `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}
