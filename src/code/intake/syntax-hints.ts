/** Hints for a text that does not parse: each names the mistake that the model most likely made. */

import { parsesAsJsx, type SyntaxFault } from "../syntax/parse.ts";
import { cutOffHint } from "./cut-off.ts";
import { isCutOffJson } from "./unescape.ts";

/** The hint for text that failed with `fault`, or undefined when the parser's message is enough. */
export function syntaxHint(text: string, fault: SyntaxFault): string | undefined {
  if (fault.message.includes("reserved word 'await'")) return byReason("AwaitNotInAsyncContext");
  if (isCutOffJson(text))
    return "The JSON around the program does not end: send all of it, or the program alone.";
  const cutOff = cutOffHint(text, fault);
  if (cutOff !== undefined) return cutOff;
  return byReason(fault.reason) ?? rules.find((rule) => rule.applies(text, fault))?.hint;
}

/** The parser's message, reworded for a program that has no module, no build and no plugins. */
export function syntaxMessage(fault: SyntaxFault): string {
  if (/requires enabling/.test(fault.message)) {
    const plugin = /plugin\(s\): "([\w-]+)"/.exec(fault.message)?.[1];
    return plugin === undefined
      ? "This syntax is not supported."
      : `This syntax is not supported: ${plugin}.`;
  }
  return fault.message;
}

function byReason(reason: string): string | undefined {
  switch (reason) {
    case "AwaitNotInAsyncContext":
      return "Make the function that contains `await` async.";
    case "ImportOutsideModule":
    case "UnsupportedImport":
      return "There are no modules here. Tools are globals.";
    case "UnterminatedString":
      return "Close the string on its line, or write a template in backticks for text of several lines.";
    case "VarRedeclaration":
      return "Rename one of the two, or drop the second declaration.";
    default:
      return undefined;
  }
}

const rules: readonly {
  readonly applies: (text: string, fault: SyntaxFault) => boolean;
  readonly hint: string;
}[] = [
  {
    applies: (text) => /&(?:lt|gt|amp|quot|apos|#39|#x27);/.test(text),
    hint: "The program is HTML-escaped: send `<`, `>`, `&` and quotes as they are.",
  },
  {
    applies: (text) => NUMBERED.test(text),
    hint: "The lines are numbered: send the program without line numbers.",
  },
  {
    applies: (text) => /^\s*>+ ?\S.*(?:\n>.*)*\s*$/.test(text),
    hint: "The lines are quoted: send the program without `>` before them.",
  },
  {
    applies: (text) => /^\s*(?:[+-] ?\S.*\n){2}/.test(text) || /^@@ /m.test(text),
    hint: "This is a diff: send the whole program as it is to be run.",
  },
  {
    applies: (text, fault) => /[“”‘’„‟‚‛«»´＂＇]/.test(text.slice(fault.offset, fault.offset + 40)),
    hint: "The program has curly quotes: use straight ones, ' or \".",
  },
  {
    applies: (text, fault) => text[fault.offset] === "…",
    hint: "The program has … in it: write out what it stands for, or three dots for a spread.",
  },
  {
    applies: (text, fault) => /[−–—×÷≤≥≠→⇒（）｛｝；，：]/.test(text.charAt(fault.offset)),
    hint: "The program has a character of typography there: write operators and punctuation in ASCII.",
  },
  { applies: looksLikePython, hint: "This looks like Python. Write TypeScript." },
  {
    applies: looksLikeShell,
    hint: "This looks like a shell command. Write TypeScript that calls the tools.",
  },
  {
    applies: (text) => text.includes("<") && parsesAsJsx(text),
    hint: "JSX is not supported: build strings or plain objects.",
  },
  {
    applies: (text, fault) => fault.message.includes("decorators") || /^[ \t]*@\w+/m.test(text),
    hint: "Decorators are not supported.",
  },
  { applies: looksLikeProse, hint: "Send only the program, or put it into one ```ts block." },
];

// Line by line and without overlapping repetitions: these run on any text and must stay linear.
const PYTHON: readonly RegExp[] = [
  /^[ \t]*(?:async )?def \w+[ \t]*\(/m,
  /^[ \t]*from [\w.]+ import /m,
  /^[ \t]*import \w+(?: as \w+)?[ \t]*$/m,
  /^[ \t]*(?:else|try):[ \t]*$/m,
  /^[ \t]*(?:elif|except|if|for|while) [^({\n]*:$/m,
  /^[ \t]*print[ \t]*\(/m,
  /\b(?:None|True|False)\b/,
];

/** `1: const x`, `2 | return x`: at least two lines, counted from one to the next. */
const NUMBERED = /^\s*1[ \t]*[:.)|→\t].*\n\s*2[ \t]*[:.)|→\t]/;

function looksLikePython(text: string): boolean {
  return PYTHON.some((pattern) => pattern.test(text));
}

function looksLikeShell(text: string): boolean {
  return /^\s*(?:#!.*\n\s*)?(?:\$ |(?:sudo|curl|npm|npx|pip|git|cd|ls|cat|echo|mkdir|rm|export|bash|sh|grep|find|python3?|node)\s+\S)/.test(
    text,
  );
}

function looksLikeProse(text: string, fault: SyntaxFault): boolean {
  const firstLine = text.trimStart().split("\n", 1)[0] ?? "";
  return (
    fault.offset <= text.length - text.trimStart().length + firstLine.length &&
    /^[A-Z][\w']*,? [\w']/.test(firstLine)
  );
}
