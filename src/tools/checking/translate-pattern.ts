/**
 * Translates patterns of JSON Schema (ECMAScript, flag `u`) to RE2. Where the same notation has another meaning there
 * (`.`, `\s`), the meaning of ECMAScript is spelled out.
 */

/** `pattern` must be valid for `RegExp` with the flag `u`. @throws RangeError for a construct that RE2 lacks */
export function toRe2(pattern: string): string {
  let text = "";
  for (let at = 0; at < pattern.length; ) {
    const step = pattern[at] === "[" ? readClass(pattern, at) : readOutside(pattern, at);
    text += step.text;
    at = step.end;
  }
  return text;
}

interface Step {
  readonly text: string;
  readonly end: number;
}

function readOutside(pattern: string, at: number): Step {
  const sign = pattern[at] ?? "";
  if (sign === ".") return { text: "[^\\n\\r\\x{2028}\\x{2029}]", end: at + 1 };
  if (sign === "(" && /^\(\?<?[=!]/.test(pattern.slice(at, at + 4))) throw unknown("lookaround");
  if (sign !== "\\") return { text: sign, end: at + 1 };
  if (pattern[at + 1] === "s") return { text: `[${BLANKS}]`, end: at + 2 };
  if (pattern[at + 1] === "S") return { text: `[^${BLANKS}]`, end: at + 2 };
  return readEscape(pattern, at);
}

function readClass(pattern: string, start: number): Step {
  if (pattern.startsWith("[^]", start)) return { text: "[\\x{0}-\\x{10ffff}]", end: start + 3 };
  if (pattern.startsWith("[]", start)) throw unknown("an empty class");
  let text = pattern.startsWith("[^", start) ? "[^" : "[";
  let at = start + text.length;
  while (at < pattern.length && pattern[at] !== "]") {
    const sign = pattern[at] ?? "";
    if (sign !== "\\") {
      // A bracket here would begin one of RE2's own classes.
      text += sign === "[" ? "\\[" : sign;
      at += 1;
    } else if (pattern[at + 1] === "s") {
      text += BLANKS;
      at += 2;
    } else if (pattern[at + 1] === "S") throw unknown("\\S within a class");
    else if (pattern[at + 1] === "b") {
      text += "\\x{8}";
      at += 2;
    } else {
      const step = readEscape(pattern, at);
      text += step.text;
      at = step.end;
    }
  }
  return { text: `${text}]`, end: at + 1 };
}

function readEscape(pattern: string, at: number): Step {
  const rest = pattern.slice(at, at + LONGEST_ESCAPE);
  const pair = /^\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/i.exec(rest);
  if (pair !== null) {
    const sign = String.fromCharCode(Number.parseInt(pair[1] ?? "", 16), Number.parseInt(pair[2] ?? "", 16));
    return { text: codePoint(sign.codePointAt(0) ?? 0), end: at + pair[0].length };
  }
  const code = /^\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2}))/i.exec(rest);
  if (code !== null)
    return {
      text: codePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? "", 16)),
      end: at + code[0].length,
    };
  const control = /^\\c([a-z])/i.exec(rest);
  if (control !== null)
    return { text: codePoint((control[1] ?? "").charCodeAt(0) % 32), end: at + control[0].length };
  if (rest.startsWith("\\0")) return { text: codePoint(0), end: at + 2 };
  if (/^\\[1-9k]/.test(rest)) throw unknown("a back reference");
  const property = /^\\([pP])\{(?:(?:Script|sc)=)?(\w+)\}/.exec(rest);
  if (property !== null) return { text: `\\${property[1]}{${property[2]}}`, end: at + property[0].length };
  if (/^\\[pP]/.test(rest)) throw unknown("a property of Unicode by its long name");
  return { text: rest.slice(0, 2), end: at + 2 };
}

const LONGEST_ESCAPE = 64;

/** The characters of `\s` in ECMAScript. */
const BLANKS =
  "\\t\\n\\v\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";

function codePoint(code: number): string {
  return `\\x{${code.toString(16)}}`;
}

function unknown(what: string): RangeError {
  return new RangeError(`it uses ${what}`);
}
