/** Remarks about a program that returns nothing, most often by oversight. */

import type { Expression, Statement } from "../syntax/parse.ts";
import { type Draft, note } from "./draft.ts";
import { functionsOf, isDeclarationOnly } from "./entry.ts";

export function noteMissingReturn(draft: Draft, running: readonly Statement[], last: Statement): void {
  if (last.type === "ThrowStatement" || running.some(returnsInside)) return;
  const functions = functionsOf(running);
  const [first] = functions;
  if (first !== undefined && isDeclarationOnly(running)) {
    const names = functions.map(({ name }) => name).join(", ");
    note(draft, `Functions are declared and never called: ${names}.`, first.statement);
    return;
  }
  const named = last.type === "VariableDeclaration" ? last.declarations.at(-1)?.id : undefined;
  const advice = named?.type === "Identifier" ? `add \`return ${named.name}\`` : "add a return statement";
  note(draft, `${RETURNS_NOTHING} ${advice} to see a result.`, last);
}

/** Whether a statement contains a `return` of the program itself, outside of functions. */
function returnsInside(statement: Statement | null | undefined): boolean {
  switch (statement?.type) {
    case "ReturnStatement":
      return true;
    case "BlockStatement":
      return statement.body.some(returnsInside);
    case "IfStatement":
      return returnsInside(statement.consequent) || returnsInside(statement.alternate);
    case "TryStatement":
      return [statement.block, statement.handler?.body, statement.finalizer].some(returnsInside);
    case "SwitchStatement":
      return statement.cases.some(({ consequent }) => consequent.some(returnsInside));
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
    case "LabeledStatement":
      return returnsInside(statement.body);
    default:
      return false;
  }
}

/** `list.forEach(…)` as the last expression was meant to produce a value. */
export function noteForEach(draft: Draft, value: Expression, statement: Statement): void {
  if (value.type !== "CallExpression" || value.callee.type !== "MemberExpression") return;
  const { property, computed } = value.callee;
  if (computed || property.type !== "Identifier" || property.name !== "forEach") return;
  note(draft, `${RETURNS_NOTHING} forEach gives no value. Use map, or add a return statement.`, statement);
}

/** The beginning of a remark about a missing result. */
export const RETURNS_NOTHING = "The program returns nothing:";
