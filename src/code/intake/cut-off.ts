/** The hint for a program that ends too early: most often a token limit cut it off. */
import { scanText, type Unclosed } from "../syntax/lexical.ts";
import type { SyntaxFault } from "../syntax/parse.ts";
import { lineStarts, positionAt } from "../syntax/source-text.ts";

/** Undefined when the fault is before the end of the text. */
export function cutOffHint(text: string, { offset }: Pick<SyntaxFault, "offset">): string | undefined {
  const written = text.trimEnd();
  const { unclosed } = scanText(written);
  const innermost = unclosed.at(-1);
  const isText = innermost !== undefined && TEXTS.has(innermost.what) && offset >= innermost.at;
  if (!isText && offset < written.length) return undefined;
  if (innermost === undefined) return say("a statement");
  const { line } = positionAt(lineStarts(text), innermost.at);
  return say(`the ${nameOf(innermost, written)} that began at line ${line}`);
}

function say(what: string): string {
  return `The program ends in the middle of ${what}: if a limit of tokens cut it off, send a shorter one, else close what is open.`;
}

const TEXTS: ReadonlySet<Unclosed["what"]> = new Set(["string", "template", "comment"]);

function nameOf({ what, at }: Unclosed, text: string): string {
  const before = text.slice(Math.max(0, at - 80), at).trimEnd();
  const word = /[\w$]+$/.exec(before)?.[0];
  switch (what) {
    case "(":
      return /[\w$)\]]$/.test(before) && !KEYWORDS.has(word ?? "") ? "call" : "parenthesis";
    case "[":
      return /[\w$)\]]$/.test(before) && !KEYWORDS.has(word ?? "") ? "bracket" : "array";
    case "{":
      return before === "" || /(?:[);{}]|=>)$/.test(before) || (word !== undefined && word !== "return")
        ? "block"
        : "object";
    default:
      return what;
  }
}

const KEYWORDS: ReadonlySet<string> = new Set([
  ...["if", "for", "while", "switch", "catch", "return", "await", "of", "in", "typeof", "throw", "case"],
]);
