/** Names a promise in a remark: by the call that made it, or by the variable that holds it. */
import { type Expression, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName, referenceOf, writeReference } from "../syntax/references.ts";
import type { PromiseValue } from "./values.ts";

const MAX_CHARS = 60;

/** `shop.list(…)`, `items.map(…)`, `(…).then(…)`. */
export function sayCall(origin: SyntaxNode): string {
  if (origin.type === "NewExpression") return "new Promise(…)";
  if (origin.type !== "CallExpression" && origin.type !== "OptionalCallExpression") return "The value";
  const callee = withoutAssertions(origin.callee as Expression);
  const reference = referenceOf(callee);
  if (reference !== undefined) return `${cut(writeReference(reference))}(…)`;
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") return "This call";
  const name = memberName(callee.property as Expression, callee.computed);
  const object = referenceOf(callee.object as Expression);
  const isList = (callee.object as Expression).type === "ArrayExpression";
  const holder = object === undefined ? (isList ? "[…]" : "(…)") : cut(writeReference(object));
  return name === undefined ? `${holder}[…](…)` : `${holder}.${name}(…)`;
}

/** An array by its name, if it has one. */
export function sayList(receiver: SyntaxNode): string {
  const reference = referenceOf(receiver as Expression);
  return reference === undefined ? "items" : cut(writeReference(reference));
}

/** The variable when the expression is one, else the call. */
export function sayValue(node: SyntaxNode, { origin }: PromiseValue): string {
  const inner = withoutAssertions(node as Expression);
  if (isCall(inner)) return sayCall(inner);
  const reference = referenceOf(inner);
  return reference === undefined ? sayCall(origin) : cut(writeReference(reference));
}

/** The place for the `await`. */
export function sayFix(node: SyntaxNode, { origin }: PromiseValue): string {
  if (isCall(withoutAssertions(node as Expression))) return "add await.";
  return makesArray(origin)
    ? `write await Promise.all(…) around ${sayCall(origin)}.`
    : `put await before ${sayCall(origin)}.`;
}

/** Whether the call made an array that holds the promises. */
export function makesArray(origin: SyntaxNode): boolean {
  if (!isCall(origin)) return false;
  const callee = withoutAssertions(origin.callee as Expression);
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") return false;
  return MAKING_ARRAYS.has(memberName(callee.property as Expression, callee.computed) ?? "");
}

const MAKING_ARRAYS: ReadonlySet<string> = new Set(["map", "flatMap", "from"]);

export function isCall(
  node: SyntaxNode,
): node is Extract<Expression, { type: "CallExpression" | "OptionalCallExpression" }> {
  return node.type === "CallExpression" || node.type === "OptionalCallExpression";
}

function cut(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
