/** Promises used where a value is meant. A promise that is awaited later, or passed on, does not count. */

import { type Expression, type SyntaxNode, startOf, withoutAssertions } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import type { Remark } from "../syntax/remark.ts";
import { PROMISE_METHODS } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import { promiseGiven } from "./promise-arguments.ts";
import { asValue, error, firstOf, isUsedOtherwise, sayPlain } from "./promise-remarks.ts";
import type { Place } from "./tree.ts";
import { isCall, sayFix, sayValue } from "./words.ts";

type Member = Extract<Expression, { type: "MemberExpression" | "OptionalMemberExpression" }>;

/** The fault in this node's use of its operands. */
export function forgottenAwait(place: Place, evaluator: Evaluator): Remark | undefined {
  const { node } = place;
  switch (node.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return ofMember(node, place, evaluator);
    case "TemplateLiteral":
      if (place.parents?.node.type === "TaggedTemplateExpression") return undefined;
      return firstOf(node.expressions, (each) => asValue(each, evaluator));
    case "BinaryExpression":
      return ofBinary(node, evaluator);
    case "AssignmentExpression":
      return ofAssignment(node, evaluator);
    case "UnaryExpression":
      if (node.operator === "!")
        return firstOf(decidingIn(node.argument), (each) => ofCondition(each, place, evaluator));
      return /^[-+~]$/.test(node.operator) ? asValue(node.argument, evaluator) : undefined;
    case "IfStatement":
    case "ConditionalExpression":
    case "WhileStatement":
    case "DoWhileStatement":
    case "ForStatement":
      return node.test
        ? firstOf(decidingIn(node.test), (each) => ofCondition(each, place, evaluator))
        : undefined;
    case "LogicalExpression":
      return ofCondition(node.left, place, evaluator);
    case "SwitchStatement":
      return asValue(node.discriminant, evaluator);
    case "SpreadElement":
      return asValue(node.argument, evaluator);
    case "ForOfStatement":
    case "ForInStatement":
      return asValue(node.right, evaluator);
    case "VariableDeclarator":
      return node.init && isTakenApart(node.id as SyntaxNode) ? asValue(node.init, evaluator) : undefined;
    case "CallExpression":
    case "OptionalCallExpression":
    case "NewExpression":
      return promiseGiven(node, evaluator);
    case "AwaitExpression":
      return ofAwait(node.argument, place, evaluator);
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "FunctionDeclaration":
      return ofParameters(node, evaluator);
    default:
      return undefined;
  }
}

function ofMember(member: Member, place: Place, evaluator: Evaluator): Remark | undefined {
  const object = member.object as Expression;
  const value = evaluator.of(object);
  if (value.type !== "promise" || isTarget(place)) return undefined;
  const property = member.property as Expression;
  const name = memberName(property, member.computed);
  if (name === undefined) return isSymbol(property) ? undefined : error(sayPlain(object, value), object);
  if (OWN_MEMBERS.has(name) || evaluator.assigned.has(name)) return undefined;
  const said = sayValue(object, value);
  const has = `has no ${JSON.stringify(name)}`;
  if (isCall(withoutAssertions(object)))
    return error(`${said} returns a Promise, which ${has}: write (await …)${access(name)}.`, object);
  return error(`${said} is a Promise, which ${has}: ${sayFix(object, value)}`, property);
}

function access(name: string): string {
  if (/^\d+$/.test(name)) return `[${name}]`;
  return /^[\w$]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

const OWN_MEMBERS: ReadonlySet<string> = new Set([
  ...PROMISE_METHODS,
  ...["constructor", "hasOwnProperty", "toString", "valueOf", "toLocaleString"],
]);

/** `promise.note = 1` is odd, but not a forgotten await. */
function isTarget({ node, key, parents }: Place): boolean {
  return parents?.node.type === "AssignmentExpression" && key === "left" && parents.node.left === node;
}

function isSymbol(property: SyntaxNode): boolean {
  return property.type === "MemberExpression" && (property.object as { name?: string }).name === "Symbol";
}

function ofBinary(
  { operator, left, right }: Extract<Expression, { type: "BinaryExpression" }>,
  evaluator: Evaluator,
): Remark | undefined {
  if (operator === "instanceof") return undefined;
  if (operator === "in") return asValue(right, evaluator);
  const sides = [left as Expression, right];
  if (!/^[!=]=/.test(operator)) return firstOf(sides, (side) => asValue(side, evaluator));
  // Two promises may be compared with each other, or one with its earlier value.
  if (sides.every((side) => evaluator.of(side).type === "promise")) return undefined;
  return firstOf(sides, (side) =>
    isCertain(side, evaluator) && !isUsedOtherwise(side, evaluator) ? asValue(side, evaluator) : undefined,
  );
}

function ofAssignment(
  { operator, left, right }: Extract<Expression, { type: "AssignmentExpression" }>,
  evaluator: Evaluator,
): Remark | undefined {
  if (operator === "=") return isTakenApart(left as SyntaxNode) ? asValue(right, evaluator) : undefined;
  return /^(?:\|\||&&|\?\?)=$/.test(operator) ? undefined : asValue(right, evaluator);
}

/** The operands that decide a condition. */
function decidingIn(test: Expression): readonly Expression[] {
  const parts: Expression[] = [];
  let left = withoutAssertions(test);
  while (left.type === "LogicalExpression") {
    parts.push(withoutAssertions(left.right));
    left = withoutAssertions(left.left);
  }
  return [left, ...parts];
}

function ofCondition(test: Expression, place: Place, evaluator: Evaluator): Remark | undefined {
  if (!isCertain(test, evaluator) || isUsedOtherwise(test, evaluator)) return undefined;
  const remark = asValue(test, evaluator);
  // `await (shop.find(…) ?? [])` gives the found value; only the part after the operator is never reached.
  return remark && isWaitedFor(place) ? { ...remark, severity: "warning" } : remark;
}

function isWaitedFor({ node, parents }: Place): boolean {
  if (node.type !== "LogicalExpression") return false;
  const holder: string | undefined = parents?.node.type;
  return holder === "AwaitExpression" || holder === "ReturnStatement" || holder === "ArrowFunctionExpression";
}

function isCertain(node: Expression, evaluator: Evaluator): boolean {
  const value = evaluator.of(node);
  return value.type === "promise" && value.certain;
}

function isTakenApart(pattern: SyntaxNode): boolean {
  if (pattern.type === "ArrayPattern") return true;
  return (
    pattern.type === "ObjectPattern" &&
    pattern.properties.some(
      (property) =>
        property.type === "ObjectProperty" &&
        !OWN_MEMBERS.has(memberName(property.key as Expression, property.computed) ?? ""),
    )
  );
}

/** A parameter that destructures a value which is always a promise: `ids.map(get).map(({ name }) => name)`. */
function ofParameters(
  node: Extract<SyntaxNode, { type: `${string}Function${string}`; params: unknown }>,
  evaluator: Evaluator,
): Remark | undefined {
  const params = node.params as readonly SyntaxNode[];
  for (const [index, pattern] of params.entries()) {
    if (!isTakenApart(pattern)) continue;
    const value = evaluator.ofArgument(node, index);
    if (value.type === "promise")
      return error(`A Promise is taken apart here: ${sayFix(pattern, value)}`, pattern);
  }
  return undefined;
}

/** `await` of an array gives the same array. */
function ofAwait(argument: Expression, place: Place, evaluator: Evaluator): Remark | undefined {
  const value = evaluator.of(argument);
  if (value.type !== "array" || value.element.type !== "promise") return undefined;
  const severity = place.parents?.node.type === "ExpressionStatement" ? "warning" : "error";
  const message = "await does not wait for the Promises in an array: write await Promise.all(…).";
  return { severity, message, offset: startOf(place.node) };
}
