/** Tool calls whose promise nobody awaits: what types alone do not show, from where the call stands. */
import type { Expression, SyntaxNode } from "./parse.ts";
import { propertyName } from "./references.ts";

/** The way from a node up to the program, innermost first; `key` is the field the child stands in. */
export interface Parents {
  readonly node: SyntaxNode;
  readonly key: string;
  readonly outer: Parents | null;
}

/** What is wrong with the place a tool's promise stands in, if anything. */
export function promiseFault(
  call: SyntaxNode,
  key: string,
  parents: Parents | null,
  last: SyntaxNode | undefined,
): string | undefined {
  const parent = parents?.node;
  if (parents === null || parent === undefined) return undefined;
  switch (parent.type) {
    case "ExpressionStatement":
      return parent === last ? undefined : "is not awaited: add await.";
    case "ObjectProperty":
      return key === "value" ? "is a Promise here: add await." : undefined;
    case "TemplateLiteral":
      return "is a Promise here: add await.";
    case "ArrayExpression":
      return isPromiseArgument(parents.outer) ? undefined : PROMISES_IN_ARRAY;
    case "MemberExpression":
    case "OptionalMemberExpression": {
      if (key !== "object" || parent.object !== call) return undefined;
      const name = propertyName(parent.property as Expression, parent.computed);
      return name === undefined || PROMISE_METHODS.has(name)
        ? undefined
        : `returns a Promise, which has no ${JSON.stringify(name)}: write (await …).${name}.`;
    }
    default:
      return undefined;
  }
}

const PROMISES_IN_ARRAY = "is a Promise here: add await, or wrap the array in await Promise.all(…).";
const PROMISE_METHODS: ReadonlySet<string> = new Set(["then", "catch", "finally"]);

/** An array that is handed on may well be awaited there; only one that stays where it is certainly is not. */
function isPromiseArgument(outer: Parents | null): boolean {
  const holder: string | undefined = outer?.node.type;
  return holder !== "ReturnStatement" && holder !== "ObjectProperty" && holder !== "ExpressionStatement";
}
