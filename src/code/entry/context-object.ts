/**
 * A parameter that stands for the whole environment: `async (ctx) => ctx.github.list_repos({})`. Its name follows no
 * convention, so it is recognized by the members that the function reads of it.
 */

import { type Expression, endOf, type FunctionNode, fieldOf, startOf } from "../syntax/parse.ts";
import { isAssigned, membersOf } from "./parameter-uses.ts";
import { entryText, type Fill, knownValue, type ParameterContext } from "./parameter-values.ts";

type Identifier = Extract<Expression, { type: "Identifier" }>;

/** Undefined for a parameter of which no member of the environment is read. */
export function fillContext(
  node: Identifier,
  hasDefault: boolean,
  fn: FunctionNode,
  context: ParameterContext,
): Fill | undefined {
  const { names, complete } = membersOf(node.name, startOf(node), fn, context.uses);
  const known = [...names].flatMap((name) => {
    const value = knownValue(name, context);
    return value === undefined ? [] : [{ name, ...value }];
  });
  if (known.every(({ fromField }) => fromField)) return undefined;
  const entries = known.map(({ name, text }) => entryText(name, text));
  const isWhole = complete && known.length === names.size;
  const { kind } = context.input;
  const rest = isWhole || (kind !== "object" && kind !== "unknown") ? [] : ["...input"];
  const text = `{ ${[...rest, ...entries].join(", ")} }`;
  if (!isWhole || hasDefault || isAssigned(node.name, fn) || hidesOne(known, fn))
    return { type: "value", text, fromField: true };
  const hasType = fieldOf(node, "typeAnnotation") !== undefined && fieldOf(node, "typeAnnotation") !== null;
  if (hasType) return { type: "value", text, fromField: true };
  const isBare = /^\s*=>/.test(context.text.slice(endOf(node)));
  return {
    type: "nothing",
    insertions: [
      ...(isBare ? [{ at: startOf(node), text: "(" }] : []),
      { at: endOf(node), text: ` = ${text}${isBare ? ")" : ""}` },
    ],
  };
}

/** Whether another parameter of that name hides the global from the default. */
function hidesOne(known: readonly { readonly name: string }[], fn: FunctionNode): boolean {
  return known.some(({ name }) => fn.params.some((parameter) => fieldOf(parameter, "name") === name));
}
