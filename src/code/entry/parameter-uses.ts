/** The uses of a parameter in its function: enough to tell what value it expects. */
import {
  childrenOf,
  type Expression,
  endOf,
  type FunctionNode,
  fieldOf,
  nodesOf,
  type SyntaxNode,
  startOf,
} from "../syntax/parse.ts";
import { propertyName } from "../syntax/references.ts";

/** Offsets of every use of a name as a value, as an inspection has them. */
export type Uses = ReadonlyMap<string, readonly number[]>;

/** Whether the function reads the name anywhere but at `binding`, which declares it. */
export function isUsed(name: string, binding: number, fn: FunctionNode, uses: Uses): boolean {
  return usesIn(name, binding, fn, uses).length > 0;
}

function usesIn(name: string, binding: number, fn: FunctionNode, uses: Uses): readonly number[] {
  return (uses.get(name) ?? []).filter(
    (offset) => offset >= startOf(fn) && offset < endOf(fn) && offset !== binding,
  );
}

/** Whether the function handles a missing value before it relies on it: `args?.limit ?? 10`. */
export function copesWithout(name: string, fn: FunctionNode): boolean {
  return descendants(fn).some((node) => isGuard(node, name));
}

function isGuard(node: SyntaxNode, name: string): boolean {
  const is = (field: string): boolean => isName(fieldOf(node, field), name);
  const type: string = node.type;
  switch (type) {
    case "OptionalMemberExpression":
      return is("object") && fieldOf(node, "optional") === true;
    case "LogicalExpression":
      return is("left");
    case "UnaryExpression":
      return is("argument") && ["!", "typeof"].includes(String(fieldOf(node, "operator")));
    case "IfStatement":
    case "ConditionalExpression":
      return is("test");
    case "BinaryExpression":
      return (is("left") || is("right")) && /^[!=]==?$/.test(String(fieldOf(node, "operator")));
    case "AssignmentExpression":
      return is("left");
    default:
      return false;
  }
}

export interface Members {
  /** Names read from the value: `ctx.github`, `const { github } = ctx`. */
  readonly names: ReadonlySet<string>;
  /** Whether it has no other use. */
  readonly complete: boolean;
}

/** The members of a parameter's value that the function names. */
export function membersOf(name: string, binding: number, fn: FunctionNode, uses: Uses): Members {
  const found = descendants(fn).flatMap((node) => {
    const members = membersAt(node, name);
    return members === undefined ? [] : [members];
  });
  return {
    names: new Set(found.flat()),
    complete: found.length === usesIn(name, binding, fn, uses).length,
  };
}

function membersAt(node: SyntaxNode, name: string): readonly string[] | undefined {
  const type: string = node.type;
  if (type === "MemberExpression" || type === "OptionalMemberExpression") {
    if (!isName(fieldOf(node, "object"), name)) return undefined;
    const member = propertyName(fieldOf(node, "property") as Expression, fieldOf(node, "computed") === true);
    return member === undefined ? undefined : [member];
  }
  if (node.type !== "VariableDeclarator" || !isName(node.init, name) || node.id.type !== "ObjectPattern")
    return undefined;
  const keys = node.id.properties.map((property) =>
    property.type === "ObjectProperty"
      ? propertyName(property.key as Expression, property.computed)
      : undefined,
  );
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

function isName(node: unknown, name: string): boolean {
  const identifier = node as { readonly type?: unknown; readonly name?: unknown } | null | undefined;
  return identifier?.type === "Identifier" && identifier.name === name;
}

function descendants(fn: FunctionNode): readonly SyntaxNode[] {
  return [...nodesOf(fn)];
}

/** Whether the function assigns the name. */
export function isAssigned(name: string, fn: FunctionNode): boolean {
  return descendants(fn).some((node) => {
    const target = targetOf(node);
    return target !== undefined && bindsName(target, name);
  });
}

function targetOf(node: SyntaxNode): SyntaxNode | undefined {
  switch (node.type) {
    case "AssignmentExpression":
    case "ForInStatement":
    case "ForOfStatement":
      return node.left as SyntaxNode;
    case "UpdateExpression":
      return node.argument;
    default:
      return undefined;
  }
}

/** Members of a target, like `a.b`, contain names but set none. They are rare, and counting them is the safe side. */
function bindsName(target: SyntaxNode, name: string): boolean {
  const type: string = target.type;
  if (type === "MemberExpression" || type === "OptionalMemberExpression") return false;
  return isName(target, name) || [...childrenOf(target)].some(({ node }) => bindsName(node, name));
}
