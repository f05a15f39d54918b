/** Checks JSON from a worker: its depth before it is parsed, and whether every reader can handle a result. */

/** The prelude stops at the same depth. A scalar has depth 0. */
const MAX_DEPTH = 200;

export function isPlainJson(text: string): boolean {
  if (isDeeper(text, MAX_DEPTH)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Counts brackets outside strings, before anything is parsed: their depth, and their number. */
export function isDeeper(
  text: string,
  limit: number,
  mostOpened: number = Number.POSITIVE_INFINITY,
): boolean {
  let depth = 0;
  let opened = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === BACKSLASH) i += 1;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === OPEN_BRACKET || unit === OPEN_BRACE) {
      depth += 1;
      opened += 1;
      if (depth > limit || opened > mostOpened) return true;
    } else if (unit === CLOSE_BRACKET || unit === CLOSE_BRACE) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
