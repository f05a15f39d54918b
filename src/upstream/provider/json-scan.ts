/**
 * Follows JSON text while it comes, without building anything of it: whether its value is whole, how deep it goes and
 * how much it holds. Each character is looked at once. It judges brackets and quotes only; what it calls whole may still
 * be no JSON.
 */

export interface JsonScan {
  /** The next piece of the text. */
  read(text: string): void;
  /** Whether something has come, and every bracket and quote of it is closed. */
  readonly isWhole: boolean;
  /** Of the deepest array or object so far. */
  readonly depth: number;
  /** About how many values there are; a named one counts twice, which is what it costs. */
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
          // Those of the whole piece go on with one that was left open before it.
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

/** How many stand right before `end`. */
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
