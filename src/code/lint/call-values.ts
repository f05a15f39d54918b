/**
 * The value of a call: a tool's promise, the result of the program's own function, or of a function of the language.
 */
import { type Expression, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName, type Reference } from "../syntax/references.ts";
import type { Evaluator } from "./evaluator.ts";
import { arrayOf, DATA, elementOf, joinAll, settle, UNKNOWN, type Value } from "./values.ts";

export type Call = Extract<Expression, { type: "CallExpression" | "OptionalCallExpression" }>;

/** A call of a method: `receiver.name(…)`. */
export interface MethodCall {
  readonly receiver: Expression;
  readonly name: string;
}

export function methodCallOf(call: Call): MethodCall | undefined {
  const callee = withoutAssertions(call.callee as Expression);
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") return undefined;
  const name = memberName(callee.property as Expression, callee.computed);
  return name === undefined ? undefined : { receiver: callee.object as Expression, name };
}

/** The name of one of the language's own functions: `JSON.stringify`, `String`; undefined for any other. */
export function builtinOf(callee: SyntaxNode, { tree, globals }: Evaluator): string | undefined {
  const inner = withoutAssertions(callee as Expression);
  const isFree = (node: Expression): node is Extract<Expression, { type: "Identifier" }> =>
    node.type === "Identifier" && tree.bindingOf(node) === undefined && !globals.roots.has(node.name);
  if (isFree(inner)) return inner.name;
  if (inner.type !== "MemberExpression" || !isFree(inner.object as Expression)) return undefined;
  const name = memberName(inner.property as Expression, inner.computed);
  return name === undefined ? undefined : `${(inner.object as { name: string }).name}.${name}`;
}

export function callValue(call: Call, evaluator: Evaluator): Value {
  const callee = withoutAssertions(call.callee as Expression);
  const called = evaluator.of(callee);
  if (called.type === "tools" || called.type === "function") return evaluator.ofCall(called, call);
  const builtin = builtinOf(callee, evaluator);
  const made = builtin === undefined ? undefined : builtinValue(builtin, call, evaluator);
  if (made !== undefined) return made;
  const method = methodCallOf(call);
  return method === undefined ? UNKNOWN : methodValue(method, call, evaluator);
}

/** The value of a tool's call, also when the tool is a callback. */
export function toolValue(reference: Reference, call: SyntaxNode): Value {
  return isTool(reference) ? { type: "promise", certain: true, result: DATA, origin: call } : UNKNOWN;
}

/** Not a member of a function: `shop.list.bind(…)`. */
function isTool({ root, path }: Reference): boolean {
  if (path.length === 0) return root !== "tools" && root !== "runs";
  return path.length === 1 ? !FUNCTION_MEMBERS.has(path[0] ?? "") : root === "tools" && path.length === 2;
}

const FUNCTION_MEMBERS: ReadonlySet<string> = new Set(["bind", "toString", "hasOwnProperty"]);

function builtinValue(name: string, call: Call, evaluator: Evaluator): Value | undefined {
  const [first, second] = call.arguments as readonly (Expression | undefined)[];
  const promise = (result: Value): Value => ({ type: "promise", certain: true, result, origin: call });
  switch (name) {
    case "sleep":
      return evaluator.globals.all.has(name) ? promise(DATA) : undefined;
    case "Promise.all":
      return promise(settleEach(evaluator.of(first)));
    case "Promise.resolve":
      return promise(first === undefined ? DATA : settle(evaluator.of(first)));
    case "Promise.allSettled":
    case "Promise.race":
    case "Promise.any":
    case "Promise.reject":
    case "Promise.try":
      return promise(UNKNOWN);
    case "Array.from":
      if (first === undefined) return undefined;
      return arrayOf(
        second === undefined ? elementOf(evaluator.of(first)) : evaluator.ofCall(evaluator.of(second), call),
      );
    case "Object.values":
      return arrayOf(joinFields(evaluator.of(first)));
    case "Object.entries":
      return arrayOf(arrayOf(UNKNOWN, [DATA, joinFields(evaluator.of(first))]));
    case "JSON.stringify":
    case "String":
    case "Number":
    case "Boolean":
      return DATA;
    default:
      return undefined;
  }
}

function settleEach(value: Value): Value {
  if (value.type !== "array") return UNKNOWN;
  return arrayOf(settle(value.element), value.items?.map(settle));
}

function joinFields(value: Value): Value {
  if (value.type === "object") return joinAll([...value.fields.values()]);
  return elementOf(value);
}

function methodValue({ receiver, name }: MethodCall, call: Call, evaluator: Evaluator): Value {
  const value = evaluator.of(receiver);
  if (value.type === "promise")
    return PROMISE_METHODS.has(name)
      ? { type: "promise", certain: true, result: UNKNOWN, origin: value.origin }
      : UNKNOWN;
  if (value.type === "instance" || evaluator.ownMethods.has(name)) return UNKNOWN;
  const [first] = call.arguments as readonly (Expression | undefined)[];
  switch (name) {
    case "map":
    case "flatMap": {
      const made = evaluator.ofCall(evaluator.of(first), call);
      return arrayOf(name === "flatMap" && made.type === "array" ? made.element : made);
    }
    case "filter":
    case "slice":
    case "reverse":
    case "toReversed":
    case "sort":
    case "toSorted":
      return value.type === "array" ? arrayOf(value.element) : value.type === "data" ? DATA : UNKNOWN;
    case "at":
    case "find":
    case "findLast":
    case "pop":
    case "shift": {
      const element = elementOf(value);
      return element.type === "promise" ? { ...element, certain: false } : element;
    }
    case "reduce":
    case "reduceRight":
      return reducedValue(evaluator.of(first), call, evaluator);
    default:
      return UNKNOWN;
  }
}

function reducedValue(callback: Value, call: Call, evaluator: Evaluator): Value {
  const made = evaluator.ofCall(callback, call);
  // With an empty array, the result is the initial value.
  return made.type === "promise" ? { ...made, certain: false, result: UNKNOWN } : UNKNOWN;
}

export const PROMISE_METHODS: ReadonlySet<string> = new Set(["then", "catch", "finally"]);
