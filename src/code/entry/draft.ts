/** The edits that turn a program's text into the body of a function, collected while they are decided. */

import { endOf, type Statement, startOf } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import type { Insertion } from "../syntax/source-text.ts";
import type { Rewrite } from "./given-names.ts";
import type { ParameterContext } from "./parameter-values.ts";

export interface Draft {
  readonly text: string;
  /** The values that can fill the parameters of an entry function. */
  readonly context: ParameterContext;
  readonly blanks: [start: number, end: number][];
  readonly insertions: Insertion[];
  readonly notes: Remark[];
  /** Parameters that are removed from the program, because the globals already have their names. */
  readonly rewrites: Rewrite[];
}

export function newDraft(context: ParameterContext): Draft {
  return { text: context.text, context, blanks: [], insertions: [], notes: [], rewrites: [] };
}

export function drop(draft: Draft, statement: Statement): void {
  draft.blanks.push([startOf(statement), endOf(statement)]);
}

/** Puts text before and after a statement, inside its own semicolon. */
export function wrap(draft: Draft, statement: Statement, before: string, after: string): void {
  const start = startOf(statement);
  const end = endOf(statement);
  const closed = draft.text[end - 1] === ";";
  draft.insertions.push({ at: start, text: before });
  draft.insertions.push({ at: closed ? end - 1 : end, text: closed ? after : `${after};`, origin: start });
}

/** Adds a line at the end and attributes it to the statement that caused it. */
export function append(draft: Draft, code: string, reason: Statement): void {
  draft.insertions.push({ at: draft.text.length, text: `\n${code}`, origin: startOf(reason) });
}

export function note(draft: Draft, message: string, statement: Statement): void {
  draft.notes.push({ severity: "note", message, offset: startOf(statement) });
}
