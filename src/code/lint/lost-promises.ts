/**
 * Work that is never awaited: statements that drop a promise, callbacks whose promises get lost, results that hold one.
 */

import { type Expression, fieldOf, isFunction, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { type Call, methodCallOf, PROMISE_METHODS } from "./call-values.ts";
import { asyncExecutor, lostByCallback, settlesSomething } from "./callbacks.ts";
import type { Evaluator } from "./evaluator.ts";
import { heldPromise, warning } from "./promise-remarks.ts";
import type { Binding, Body, Place } from "./tree.ts";
import { promiseIn, settle, type Value } from "./values.ts";
import { isCall, sayCall } from "./words.ts";

/** `last`: the statement whose value is the program's result. */
export function lostPromise(
  place: Place,
  last: SyntaxNode | undefined,
  evaluator: Evaluator,
): Remark | undefined {
  const { node } = place;
  switch (node.type) {
    case "ExpressionStatement":
      return node === last
        ? ofResult(evaluator.of(node.expression))
        : ofStatement(node.expression, place, evaluator);
    case "ReturnStatement":
      return isResult(place.scope.body, evaluator)
        ? ofResult(evaluator.of(node.argument))
        : ofObject(node.argument, evaluator);
    case "ArrowFunctionExpression":
      if (node.body.type === "BlockStatement") return undefined;
      return isResult(evaluator.tree.bodyOf(node), evaluator)
        ? ofResult(evaluator.of(node.body))
        : ofObject(node.body, evaluator);
    case "CallExpression":
    case "OptionalCallExpression":
      return lostByCallback(node, evaluator);
    case "NewExpression":
      return asyncExecutor(node.callee as SyntaxNode, node.arguments as readonly SyntaxNode[], evaluator);
    default:
      return undefined;
  }
}

/** A variable that holds a promise and is never read. */
export function unusedPromise(binding: Binding, evaluator: Evaluator): Remark | undefined {
  const { kind, reads, declaration } = binding;
  if (reads.length > 0 || (kind !== "const" && kind !== "let" && kind !== "var")) return undefined;
  if (declaration.type !== "VariableDeclarator" || declaration.id.type !== "Identifier") return undefined;
  const value = evaluator.ofBinding(binding);
  if (value.type === "promise")
    return warning(`${sayCall(value.origin)} is not awaited: add await.`, value.origin);
  return value.type === "array" && value.element.type === "promise" && declaration.init
    ? warning(NOBODY_WAITS, declaration.init)
    : undefined;
}

const NOBODY_WAITS = "Nobody waits for the Promises in this array: write await Promise.all(…) around it.";

function ofStatement(expression: Expression, place: Place, evaluator: Evaluator): Remark | undefined {
  for (const dropped of droppedBy(expression)) {
    if (isCall(dropped) && isTakenCareOf(dropped, evaluator)) continue;
    const value = evaluator.of(dropped);
    if (value.type === "promise") return warning(sayDropped(dropped, value.origin, place), dropped);
    if (value.type === "array" && value.element.type === "promise") return warning(NOBODY_WAITS, dropped);
  }
  return undefined;
}

/** `p.catch(ignore)` of a promise that is awaited elsewhere, or `call.then(resolve, reject)`. */
function isTakenCareOf(call: Call, evaluator: Evaluator): boolean {
  const method = methodCallOf(call);
  if (method === undefined || !PROMISE_METHODS.has(method.name)) return false;
  const { tree } = evaluator;
  const isElsewhere = (tree.bindingOf(withoutAssertions(method.receiver))?.reads.length ?? 0) > 1;
  return (
    isElsewhere ||
    (call.arguments as readonly SyntaxNode[]).some((each) =>
      isFunction(each as Expression)
        ? settlesSomething(each, evaluator)
        : tree.bindingOf(each)?.kind === "parameter",
    )
  );
}

/** The values that `a && b()` and `a ? b() : c()` drop. */
function droppedBy(expression: Expression): readonly Expression[] {
  const inner = withoutAssertions(expression);
  switch (inner.type) {
    case "LogicalExpression":
      return droppedBy(inner.right);
    case "ConditionalExpression":
      return [...droppedBy(inner.consequent), ...droppedBy(inner.alternate)];
    default:
      return isCall(inner) || inner.type === "NewExpression" ? [inner] : [];
  }
}

function sayDropped(dropped: Expression, origin: SyntaxNode, { scope }: Place): string {
  const said = sayCall(isCall(dropped) ? dropped : origin);
  const body = scope.body.node;
  const isSync = isFunction(body as Expression) && fieldOf(body, "async") === false;
  return isSync
    ? `${said} is not awaited: return it, or make the function async and add await.`
    : `${said} is not awaited: add await.`;
}

/** Whether the body's return value is the program's result, as far as the text alone shows. */
function isResult(body: Body | undefined, { tree }: Evaluator): boolean {
  if (body === undefined || body === tree.programBody) return body !== undefined;
  if (body.outer !== tree.programBody) return false;
  const { node } = body;
  const holder: string | undefined = tree.placeOf(node)?.parents?.node.type;
  if (holder === "ExportDefaultDeclaration" || holder === "ExpressionStatement") return true;
  const name = node.type === "FunctionDeclaration" ? node.id : nameGiven(tree.placeOf(node));
  return name ? tree.bindingOf(name)?.reads.length === 0 : false;
}

/** `const main = async () => …` */
function nameGiven(place: Place | undefined): SyntaxNode | undefined {
  const parent = place?.parents?.node;
  return parent?.type === "VariableDeclarator" ? (parent.id as SyntaxNode) : undefined;
}

/** The program's promise awaits a returned promise, but not one inside an array or an object. */
function ofResult(value: Value): Remark | undefined {
  const result = settle(value);
  const inside = promiseIn(result);
  return inside && heldPromise(inside, result.type === "array" && result.element.type === "promise");
}

/** An object literal that a function returns with a promise in it: the receiver could await that, but seldom does. */
function ofObject(node: SyntaxNode | null | undefined, evaluator: Evaluator): Remark | undefined {
  const value = node?.type === "ObjectExpression" ? evaluator.of(node) : undefined;
  if (value?.type !== "object") return undefined;
  for (const [name, field] of value.fields)
    if (field.type === "promise" && isToolCall(field.origin, evaluator) && !evaluator.awaited.has(name))
      return { ...heldPromise(field, false), severity: "warning" };
  return undefined;
}

function isToolCall(origin: SyntaxNode, evaluator: Evaluator): boolean {
  return isCall(origin) && evaluator.of(origin.callee as SyntaxNode).type === "tools";
}
