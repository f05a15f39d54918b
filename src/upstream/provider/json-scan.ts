/**
 * Follows JSON text while it arrives, without building values: whether it is complete, how deep it is and how many
 * values it has. Each character is read once. It counts brackets and quotes only, so a text that it calls complete may
 * still be invalid JSON.
 */

export interface JsonScan {
  /** The next piece of the text. */
  read(text: string): void;
  /** Whether text has come, and all its brackets and quotes are closed. */
  readonly isWhole: boolean;
  /** Depth of the deepest array or object so far. */
  readonly depth: number;
  /** Roughly the number of values; a named one counts twice, which matches its cost. */
  readonly size: number;
}

const QUOTE = 34;
const BACKSLASH = 92;

export function createJsonScan(): JsonScan {
  let isEmpty = true;
  let isInText = false;
  let isEscaped = false;
  let open = 0;
  let depth = 0;
  let size = 0;
  return {
    read(text) {
      for (let at = 0; at < text.length; at += 1) {
        if (isInText) {
          const quote = text.indexOf('"', at);
          const end = quote === -1 ? text.length : quote;
          const slashes = countSlashes(text, at, end);
          // A piece that is all backslashes continues the run at the end of the previous piece.
          const isAllSlashes = slashes === end - at;
          const isOdd = (slashes + (isAllSlashes && isEscaped ? 1 : 0)) % 2 === 1;
          isEscaped = quote === -1 && isOdd;
          if (quote !== -1 && !isOdd) isInText = false;
          at = end;
          continue;
        }
        const code = text.charCodeAt(at);
        switch (code) {
          case QUOTE:
            isInText = true;
            isEmpty = false;
            break;
          case 91: // [
          case 123: // {
            isEmpty = false;
            open += 1;
            size += 1;
            if (open > depth) depth = open;
            break;
          case 93: // ]
          case 125: // }
            open -= 1;
            break;
          case 44: // ,
          case 58: // :
            size += 1;
            break;
          default:
            if (code > 32) isEmpty = false;
        }
      }
    },
    get isWhole() {
      return !isEmpty && !isInText && open === 0;
    },
    get depth() {
      return depth;
    },
    get size() {
      return size;
    },
  };
}

/** The number of backslashes directly before `end`. */
function countSlashes(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && text.charCodeAt(at - 1) === BACKSLASH) at -= 1;
  return end - at;
}

export function isWholeJson(text: string): boolean {
  const scan = createJsonScan();
  scan.read(text);
  return scan.isWhole;
}
