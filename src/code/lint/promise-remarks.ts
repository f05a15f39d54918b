/** The remark about a promise where a value is meant. */

import { type Expression, isNode, type SyntaxNode, startOf, withoutAssertions } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import type { Remark } from "../syntax/remark.ts";
import { PROMISE_METHODS } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Binding, Place } from "./tree.ts";
import type { PromiseValue } from "./values.ts";
import { isCall, makesArray, sayCall, sayFix, sayValue } from "./words.ts";

/** A promise where a value is needed. */
export function asValue(node: SyntaxNode | null | undefined, evaluator: Evaluator): Remark | undefined {
  if (!isNode(node)) return undefined;
  const value = evaluator.of(node);
  return value.type === "promise" ? error(sayPlain(node, value), node) : undefined;
}

export function heldPromise({ origin }: PromiseValue, inArray: boolean): Remark {
  const said = sayCall(origin);
  if (makesArray(origin))
    return error(`${said} gives an array of Promises: write await Promise.all(…) around it.`, origin);
  const ways = inArray ? "add await, or wrap the array in await Promise.all(…)." : "add await.";
  return error(`${said} is a Promise here: ${ways}`, origin);
}

export function sayPlain(node: SyntaxNode, value: PromiseValue): string {
  const said = sayValue(node, value);
  return isCall(withoutAssertions(node as Expression))
    ? `${said} is a Promise here: add await.`
    : `${said} is a Promise: ${sayFix(node, value)}`;
}

export function error(message: string, at: SyntaxNode): Remark {
  return { severity: "error", message, offset: startOf(at) };
}

/** A variable that holds a promise may be tested, if it is awaited elsewhere. */
export function isUsedOtherwise(node: Expression, { tree }: Evaluator): boolean {
  const inner = withoutAssertions(node);
  const binding = tree.bindingOf(inner);
  return binding !== undefined && handedOn(binding).some((read) => read.node !== inner);
}

/** Two places are enough for the answer. */
const known = new WeakMap<Binding, readonly Place[]>();

function handedOn(binding: Binding): readonly Place[] {
  const found = known.get(binding) ?? binding.reads.filter(isHandedOn).slice(0, 2);
  known.set(binding, found);
  return found;
}

function isHandedOn({ key, parents }: Place): boolean {
  switch (parents?.node.type) {
    case "AwaitExpression":
    case "ReturnStatement":
    case "ArrayExpression":
      return true;
    case "CallExpression":
    case "OptionalCallExpression":
      return key === "arguments";
    case "MemberExpression":
    case "OptionalMemberExpression": {
      const { property, computed } = parents.node;
      return key === "object" && PROMISE_METHODS.has(memberName(property as Expression, computed) ?? "");
    }
    default:
      return false;
  }
}

export function warning(message: string, at: SyntaxNode): Remark {
  return { severity: "warning", message, offset: startOf(at) };
}

export function firstOf(
  nodes: readonly (SyntaxNode | object)[],
  judge: (node: Expression) => Remark | undefined,
): Remark | undefined {
  for (const node of nodes) {
    const remark = judge(node as Expression);
    if (remark !== undefined) return remark;
  }
  return undefined;
}
