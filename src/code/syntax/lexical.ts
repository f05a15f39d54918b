/**
 * One pass over program text before any parser reads it. Parsers recurse, so whatever makes them recurse deeply is
 * measured here, lexically, in linear time. Strings, templates, comments and regular expressions do not count.
 */

export interface LexicalShape {
  /** Deepest nesting of `(`, `[`, `{` and `${`, and the offset where it was first reached. */
  readonly depth: number;
  readonly deepestAt: number;
  /** Longest run of unary operators, and the offset where it ended. */
  readonly unaryRun: number;
  readonly unaryAt: number;
  /** Offsets of backslashes outside strings: never valid there, so the whole text may be escaped. */
  readonly strayBackslashes: readonly number[];
  /**
   * Offsets of characters outside strings that cannot begin a token: invisible ones, curly quotes, joiners inside plain
   * words.
   */
  readonly strayCharacters: readonly number[];
  /** Offset of the first three backticks outside strings: no program tags a template with a template. */
  readonly ticksAt: number | undefined;
  /** Brackets and quotes still open at the end, outermost first. */
  readonly unclosed: readonly Unclosed[];
}

export interface Unclosed {
  readonly what: "(" | "[" | "{" | "template" | "string" | "comment";
  readonly at: number;
}

const UNARY_WORDS: ReadonlySet<string> = new Set(["typeof", "void", "delete", "await", "yield", "new"]);
/** Words after which a `/` starts a regular expression. */
const OPERATOR_WORDS: ReadonlySet<string> = new Set([
  ...UNARY_WORDS,
  ...["return", "throw", "case", "in", "of", "instanceof", "do", "else", "extends"],
]);
const WORD = /[\p{ID_Start}$_\d][\p{ID_Continue}$\u200c\u200d]*/uy;

/** State that the parts of the scan share: the position and the findings. */
interface Scan {
  readonly text: string;
  readonly open: Unclosed[];
  readonly strayBackslashes: number[];
  readonly strayCharacters: number[];
  ticksAt: number | undefined;
  at: number;
  depth: number;
  deepestAt: number;
  run: number;
  unaryRun: number;
  unaryAt: number;
  /** Whether a `/` here would divide, because a value came just before. */
  afterValue: boolean;
}

/**
 * Measures `text`. With `escapedNewlines` a backslash and `n` ends a line comment too, as it would in text whose line
 * breaks arrived as `\n`.
 */
export function scanText(text: string, escapedNewlines = false): LexicalShape {
  const scan: Scan = {
    text,
    open: [],
    strayBackslashes: [],
    strayCharacters: [],
    ticksAt: undefined,
    at: 0,
    depth: 0,
    deepestAt: 0,
    run: 0,
    unaryRun: 0,
    unaryAt: 0,
    afterValue: false,
  };
  while (scan.at < text.length) step(scan, escapedNewlines);
  const { open, text: _, at: __, run: ___, afterValue: ____, ...shape } = scan;
  return { ...shape, unclosed: open };
}

function step(scan: Scan, escapedNewlines: boolean): void {
  const { text, at } = scan;
  const char = text.charAt(at);
  if (isBlank(char)) {
    scan.at += 1;
    return;
  }
  if (char === "/" && text[at + 1] === "/") {
    scan.at = lineCommentEnd(text, at, escapedNewlines);
    return;
  }
  if (char === "/" && text[at + 1] === "*") {
    const end = text.indexOf("*/", at + 2);
    if (end < 0) scan.open.push({ what: "comment", at });
    scan.at = end < 0 ? text.length : end + 2;
    return;
  }
  switch (char) {
    case "'":
    case '"':
      skipString(scan, char);
      value(scan);
      break;
    case "`":
      if (text.startsWith("```", at)) scan.ticksAt ??= at;
      scan.at += 1;
      skipTemplateText(scan, at);
      break;
    case "(":
    case "[":
    case "{":
      scan.at += 1;
      enter(scan, { what: char, at });
      break;
    case ")":
    case "]":
    case "}":
      scan.at += 1;
      leave(scan, char);
      break;
    case "/":
      slash(scan);
      break;
    case "!":
    case "~":
    case "+":
    case "-":
      unaryOperator(scan, char);
      break;
    case "\\":
      scan.strayBackslashes.push(at);
      scan.at += 2;
      break;
    default:
      word(scan);
  }
}

function isBlank(char: string): boolean {
  return char === " " || char === "\n" || char === "\t" || char === "\r" || /\s/u.test(char);
}

function lineCommentEnd(text: string, from: number, escapedNewlines: boolean): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === "\n" || char === "\r" || char === "\u2028" || char === "\u2029") return at;
    if (escapedNewlines && char === "\\" && (text[at + 1] === "n" || text[at + 1] === "r")) return at;
  }
  return text.length;
}

function skipString(scan: Scan, quote: string): void {
  const { text, at } = scan;
  for (scan.at += 1; scan.at < text.length; scan.at += 1) {
    const char = text[scan.at];
    if (char === "\\") scan.at += 1;
    else if (char === "\n") return;
    else if (char === quote) {
      scan.at += 1;
      return;
    }
  }
  scan.open.push({ what: "string", at });
}

/** `opened`: the offset at which the template began. */
function skipTemplateText(scan: Scan, opened: number): void {
  const { text } = scan;
  for (; scan.at < text.length; scan.at += 1) {
    const char = text[scan.at];
    if (char === "\\") scan.at += 1;
    else if (char === "`") {
      scan.at += 1;
      value(scan);
      return;
    } else if (char === "$" && text[scan.at + 1] === "{") {
      scan.at += 2;
      enter(scan, { what: "template", at: opened });
      return;
    }
  }
  scan.open.push({ what: "template", at: opened });
}

function slash(scan: Scan): void {
  if (scan.afterValue) {
    operator(scan);
  } else {
    skipRegExp(scan);
    value(scan);
  }
}

function skipRegExp(scan: Scan): void {
  const { text } = scan;
  let inClass = false;
  for (scan.at += 1; scan.at < text.length; scan.at += 1) {
    const char = text[scan.at];
    if (char === "\n") return;
    if (char === "\\") scan.at += 1;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) {
      scan.at += 1;
      return;
    }
  }
}

function enter(scan: Scan, opener: Unclosed): void {
  scan.open.push(opener);
  scan.run = 0;
  scan.afterValue = false;
  if (scan.open.length > scan.depth) {
    scan.depth = scan.open.length;
    scan.deepestAt = scan.at - 1;
  }
}

function leave(scan: Scan, closer: string): void {
  const opener = scan.open.pop();
  value(scan);
  if (closer === "}" && opener?.what === "template") skipTemplateText(scan, opener.at);
}

function value(scan: Scan): void {
  scan.run = 0;
  scan.afterValue = true;
}

function operator(scan: Scan): void {
  scan.at += 1;
  scan.run = 0;
  scan.afterValue = false;
}

function unaryOperator(scan: Scan, char: string): void {
  // After a value `++` and `--` are usually postfix, and then a slash divides.
  const postfix = scan.afterValue && (char === "+" || char === "-") && scan.text[scan.at + 1] === char;
  scan.at += postfix ? 2 : 1;
  if (postfix) return;
  scan.afterValue = false;
  countUnary(scan);
}

function countUnary(scan: Scan): void {
  scan.run += 1;
  if (scan.run <= scan.unaryRun) return;
  scan.unaryRun = scan.run;
  scan.unaryAt = scan.at - 1;
}

function word(scan: Scan): void {
  WORD.lastIndex = scan.at;
  const found = WORD.exec(scan.text)?.[0];
  if (found === undefined) {
    if (scan.text.charCodeAt(scan.at) > 127) scan.strayCharacters.push(scan.at);
    operator(scan);
    return;
  }
  noteJoiners(scan, found);
  const isProperty = scan.text[scan.at - 1] === ".";
  scan.at += found.length;
  if (isProperty || !OPERATOR_WORDS.has(found)) {
    value(scan);
    return;
  }
  scan.afterValue = false;
  if (UNARY_WORDS.has(found)) countUnary(scan);
  else scan.run = 0;
}

/** Joiners belong to words of some scripts, but never to a plain one. */
function noteJoiners({ at, strayCharacters }: Scan, found: string): void {
  if (!/^[\w$\u200c\u200d]*$/.test(found)) return;
  for (const joiner of found.matchAll(/[\u200c\u200d]/g)) strayCharacters.push(at + joiner.index);
}
