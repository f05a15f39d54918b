/**
 * Parameters of the entry function that ask for existing globals: `async ({ github, shop }) => …`. They are removed
 * from the parameter list, so that their names mean the globals, with everything known about those.
 */

import {
  endOf,
  type FunctionNode,
  type FunctionParameter,
  fieldOf,
  type SyntaxNode,
  startOf,
} from "../syntax/parse.ts";
import { isAssigned } from "./parameter-uses.ts";
import { knownValue, type ParameterContext } from "./parameter-values.ts";

/** A range and its replacement, of equal length. */
export interface Rewrite {
  readonly start: number;
  readonly text: string;
}

export function dropGivenNames(fn: FunctionNode, context: ParameterContext): readonly Rewrite[] {
  const isGiven = (node: SyntaxNode): boolean => {
    if (node.type !== "Identifier" || node.name === "input") return false;
    const known = knownValue(node.name, context);
    return known !== undefined && !known.fromField && !isAssigned(node.name, fn);
  };
  const whole = fn.params.filter((parameter) => isGiven(withoutDefault(parameter)));
  const bare = bareParameter(fn, context.text);
  if (bare !== undefined && whole.includes(bare)) {
    const length = endOf(bare) - startOf(bare);
    return length < 2 ? [] : [{ start: startOf(bare), text: "()".padEnd(length) }];
  }
  const kept = fn.params.filter((parameter) => !whole.includes(parameter));
  return [
    ...takenOut(whole, fn.params, context.text),
    ...kept.flatMap((parameter) => {
      const pattern = withoutDefault(parameter);
      if (pattern.type !== "ObjectPattern") return [];
      const given = pattern.properties.filter((property) => {
        if (property.type !== "ObjectProperty" || property.computed) return false;
        const value = withoutDefault(property.value as SyntaxNode);
        return isGiven(value) && fieldOf(property.key as SyntaxNode, "name") === fieldOf(value, "name");
      });
      return takenOut(given, pattern.properties, context.text);
    }),
  ];
}

function withoutDefault(node: SyntaxNode): SyntaxNode {
  return node.type === "AssignmentPattern" ? node.left : node;
}

/** The parameter of an arrow function that has no parentheses. */
function bareParameter(fn: FunctionNode, text: string): FunctionParameter | undefined {
  const [only] = fn.params;
  if (fn.type !== "ArrowFunctionExpression" || fn.params.length !== 1 || only === undefined) return undefined;
  return /^\s*=>/.test(text.slice(endOf(only))) ? only : undefined;
}

/** Replaces items of a list with blanks, each with the comma after it; a comma before the last one may stay. */
function takenOut(
  items: readonly SyntaxNode[],
  list: readonly SyntaxNode[],
  text: string,
): readonly Rewrite[] {
  return items.map((item) => {
    const next = list[list.indexOf(item) + 1];
    const end = next === undefined ? endOf(item) : startOf(next);
    const start = startOf(item);
    return { start, text: text.slice(start, end).replace(/[^\n\r\u2028\u2029]/g, " ") };
  });
}
