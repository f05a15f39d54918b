/** Variables that have a tool server's name, hold something else, and are used like the server. */
import type { Expression } from "../syntax/parse.ts";
import { type SyntaxNode, startOf } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Binding, Place } from "./tree.ts";
import { isCall } from "./words.ts";

/** `github.list_issues(…)` on a variable. The caller checks whether the server has such a tool. */
export interface HiddenTool {
  readonly root: string;
  /** Null: the variable itself is called, like a tool without a server. */
  readonly method: string | null;
  readonly offset: number;
}

export function hiddenTools(binding: Binding, evaluator: Evaluator): readonly HiddenTool[] {
  const { name, reads } = binding;
  if (!evaluator.globals.roots.has(name)) return [];
  const { type } = evaluator.ofBinding(binding);
  if (type !== "data" && type !== "nullish" && type !== "promise" && type !== "array") return [];
  return reads.flatMap((read) => usedAsTool(read, name, type));
}

function usedAsTool({ node, key, parents }: Place, root: string, type: string): readonly HiddenTool[] {
  const parent = parents?.node;
  if (parent === undefined) return [];
  if (key === "callee" && isCall(parent)) return [{ root, method: null, offset: startOf(node) }];
  if (parent.type !== "MemberExpression" && parent.type !== "OptionalMemberExpression") return [];
  if (key !== "object" || parents?.key !== "callee") return [];
  const method = memberName(parent.property as Expression, parent.computed);
  if (method === undefined || isOrdinary(method, type)) return [];
  return [{ root, method, offset: startOf(node as SyntaxNode) }];
}

/** Methods that ordinary values have. */
function isOrdinary(method: string, type: string): boolean {
  const owners =
    type === "promise"
      ? [Promise.prototype]
      : [Array.prototype, String.prototype, Number.prototype, Object.prototype];
  return owners.some((owner) => method in owner);
}
