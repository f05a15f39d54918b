/** The edits that turn a program's text into the body of a function, while they are being decided. */

import { endOf, type Statement, startOf } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import type { Insertion } from "../syntax/source-text.ts";
import type { Rewrite } from "./given-names.ts";
import type { ParameterContext } from "./parameter-values.ts";

export interface Draft {
  readonly text: string;
  /** What the parameters of a function that is called can be filled with. */
  readonly context: ParameterContext;
  readonly blanks: [start: number, end: number][];
  readonly insertions: Insertion[];
  readonly notes: Remark[];
  /** Parameters that the program is read without: what they name is there anyway. */
  readonly rewrites: Rewrite[];
}

export function newDraft(context: ParameterContext): Draft {
  return { text: context.text, context, blanks: [], insertions: [], notes: [], rewrites: [] };
}

export function drop(draft: Draft, statement: Statement): void {
  draft.blanks.push([startOf(statement), endOf(statement)]);
}

/** Puts text before and after what a statement says, its own semicolon kept behind. */
export function wrap(draft: Draft, statement: Statement, before: string, after: string): void {
  const start = startOf(statement);
  const end = endOf(statement);
  const closed = draft.text[end - 1] === ";";
  draft.insertions.push({ at: start, text: before });
  draft.insertions.push({ at: closed ? end - 1 : end, text: closed ? after : `${after};`, origin: start });
}

/** Adds a line at the end, put down to the statement that is the reason for it. */
export function append(draft: Draft, code: string, reason: Statement): void {
  draft.insertions.push({ at: draft.text.length, text: `\n${code}`, origin: startOf(reason) });
}

export function note(draft: Draft, message: string, statement: Statement): void {
  draft.notes.push({ severity: "note", message, offset: startOf(statement) });
}
