/** Promises among the arguments of calls that cannot await them: tools, and functions of the language. */

import { type Expression, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { builtinOf, methodCallOf } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import { asValue, error, firstOf, heldPromise, isUsedOtherwise, sayPlain } from "./promise-remarks.ts";
import { promiseIn } from "./values.ts";
import { isCall } from "./words.ts";

export function promiseGiven(
  call: Extract<Expression, { type: "CallExpression" | "OptionalCallExpression" | "NewExpression" }>,
  evaluator: Evaluator,
): Remark | undefined {
  const given = call.arguments as readonly SyntaxNode[];
  const callee = call.callee as SyntaxNode;
  const builtin = builtinOf(callee, evaluator);
  const [first] = given;
  if (call.type !== "NewExpression" && evaluator.of(callee).type === "tools")
    return firstOf(given, (each) => holding(each, evaluator));
  if (builtin === undefined) return ofJoin(call, evaluator);
  if (first === undefined) return undefined;
  if (builtin === "JSON.stringify") return holding(first, evaluator);
  if (builtin.startsWith("console.")) return firstOf(given, (each) => printed(each, evaluator));
  if (TAKING_ARRAYS.has(builtin)) return ofCombinator(builtin, first, evaluator);
  const takesValue = TAKING_VALUES.has(builtin) || builtin.startsWith("Math.");
  return takesValue ? firstOf(given, (each) => asValue(each, evaluator)) : undefined;
}

/** An array of promises is joined into text. */
function ofJoin(call: SyntaxNode, evaluator: Evaluator): Remark | undefined {
  const method = isCall(call) ? methodCallOf(call) : undefined;
  return method?.name === "join" && evaluator.of(method.receiver).type === "array"
    ? holding(method.receiver, evaluator)
    : undefined;
}

const TAKING_ARRAYS: ReadonlySet<string> = new Set([
  ...["Promise.all", "Promise.allSettled", "Promise.race", "Promise.any"],
]);

/** Functions and classes of the language that cannot use a promise. */
const TAKING_VALUES: ReadonlySet<string> = new Set([
  ...["String", "Number", "Boolean", "BigInt", "parseInt", "parseFloat", "isNaN", "isFinite"],
  ...["encodeURIComponent", "JSON.parse", "Array.from", "Array.isArray", "Number.isInteger"],
  ...["Object.keys", "Object.values", "Object.entries", "Object.assign", "Object.fromEntries"],
  ...["Set", "Map", "Date", "Error"],
]);

function ofCombinator(name: string, first: SyntaxNode, evaluator: Evaluator): Remark | undefined {
  const value = evaluator.of(first);
  if (value.type !== "promise" || !value.certain) return undefined;
  return error(`${name} takes one array: write ${name}([…]).`, first);
}

/** A printed variable may be a promise that the program awaits elsewhere. */
function printed(node: SyntaxNode, evaluator: Evaluator): Remark | undefined {
  const inner = withoutAssertions(node as Expression);
  return isUsedOtherwise(inner, evaluator) ? undefined : holding(inner, evaluator);
}

/** A promise in a value that is made into JSON: alone, in an array, or in an object. */
function holding(node: SyntaxNode, evaluator: Evaluator): Remark | undefined {
  const spread = node.type === "SpreadElement" ? node.argument : node;
  const value = evaluator.of(spread);
  if (value.type === "promise") return error(sayPlain(spread, value), spread);
  const inside = promiseIn(value);
  return inside && heldPromise(inside, value.type === "array" && value.element.type === "promise");
}
