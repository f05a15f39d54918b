/** Callbacks whose promises are never awaited, or are used as values. */

import {
  type Expression,
  fieldOf,
  isFunction,
  nodesOf,
  type SyntaxNode,
  withoutAssertions,
} from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { builtinOf, type Call, methodCallOf } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import { error, warning } from "./promise-remarks.ts";
import { isCall, sayList } from "./words.ts";

export function lostByCallback(call: Call, evaluator: Evaluator): Remark | undefined {
  const [callback] = call.arguments as readonly SyntaxNode[];
  if (builtinOf(call.callee as SyntaxNode, evaluator) === "setTimeout")
    return ofTimer(call, callback, evaluator);
  const method = methodCallOf(call);
  if (method === undefined || evaluator.ownMethods.has(method.name)) return undefined;
  const { name, receiver } = method;
  const holder = evaluator.of(receiver).type;
  if (holder === "tools" || holder === "instance") return undefined;
  const judged = name === "replace" || name === "replaceAll" ? call.arguments[1] : callback;
  const given = evaluator.of(judged as SyntaxNode | undefined);
  if (given.type !== "function" && given.type !== "tools") return undefined;
  const made = evaluator.ofCall(given, call);
  if (made.type !== "promise") return undefined;
  const at = callee(call);
  if (name === "forEach")
    return given.type === "function" && !doesWork(given.node, evaluator)
      ? undefined
      : warning(`forEach does not wait for its callback's Promises: ${waysToWait(receiver)}.`, at);
  if (TESTS.has(name))
    return error(`${name} takes its callback's Promise for true: ${waysToTest(name, receiver)}`, at);
  if (name === "sort" || name === "toSorted")
    return error(`${name} cannot wait for its callback: await what it compares before, and sort that.`, at);
  if (name === "replace" || name === "replaceAll")
    return error(`${name} cannot wait for its callback: await what it puts in before.`, at);
  return undefined;
}

function waysToWait(receiver: SyntaxNode): string {
  const items = sayList(receiver);
  return `use for (const item of ${items}) with await in it, or await Promise.all(${items}.map(…))`;
}

const TESTS: ReadonlySet<string> = new Set([
  ...["filter", "some", "every", "find", "findIndex", "findLast", "findLastIndex"],
]);

function waysToTest(name: string, receiver: SyntaxNode): string {
  const items = sayList(receiver);
  const then = name === "filter" ? `${items}.filter((_, i) => found[i])` : `found.${name}(…)`;
  return `use for (const item of ${items}) with await in it, or const found = await Promise.all(${items}.map(…)) and ${then}.`;
}

/** The node of the method's name. */
function callee(call: Call): SyntaxNode {
  const inner = withoutAssertions(call.callee as Expression);
  const property = fieldOf(inner, "property");
  return (property ?? inner) as SyntaxNode;
}

/** An async function without an `await` has finished when it returns. */
function doesWork(callable: SyntaxNode, evaluator: Evaluator): boolean {
  if ((evaluator.tree.bodyOf(callable)?.awaits.length ?? 0) > 0) return true;
  return evaluator.ofReturn(callable).type === "promise" || callsTools(callable, evaluator);
}

function callsTools(callable: SyntaxNode, evaluator: Evaluator): boolean {
  for (const node of nodesOf(callable))
    if (isCall(node) && evaluator.of(node).type === "promise") return true;
  return false;
}

function ofTimer(call: Call, callback: SyntaxNode | undefined, evaluator: Evaluator): Remark | undefined {
  const given = evaluator.of(callback);
  if (given.type !== "function" || !callsTools(given.node, evaluator)) return undefined;
  if (settlesSomething(given.node, evaluator)) return undefined;
  return warning("Nobody waits for what setTimeout calls: write await sleep(ms), and call it behind.", call);
}

/** It calls a parameter of an enclosing function, as a promise's executor does with `resolve`. */
export function settlesSomething(callable: SyntaxNode, { tree }: Evaluator): boolean {
  const own = tree.bodyOf(callable);
  for (const node of nodesOf(callable)) {
    const binding = isCall(node) ? tree.bindingOf(node.callee as SyntaxNode) : undefined;
    if (binding?.kind === "parameter" && binding.scope.body !== own) return true;
  }
  return false;
}

export function asyncExecutor(
  callee: SyntaxNode,
  [executor]: readonly SyntaxNode[],
  evaluator: Evaluator,
): Remark | undefined {
  if (builtinOf(callee, evaluator) !== "Promise" || !isFunction(executor as Expression | undefined))
    return undefined;
  if (executor === undefined || fieldOf(executor, "async") !== true) return undefined;
  return warning(
    "An error in an async executor is lost, and the Promise stays open: write an async function, and await it.",
    executor,
  );
}
