/**
 * The place of a fault in a program: the syntax around it, the tool call that it belongs to, and the program's handling
 * of it.
 */
import {
  childrenOf,
  type Expression,
  endOf,
  nodesOf,
  type Program,
  parseProgram,
  type SyntaxNode,
  startOf,
  withoutAssertions,
} from "../syntax/parse.ts";
import { propertyName, type Reference, referenceOf } from "../syntax/references.ts";
import { declaredIn, opensScope } from "../syntax/scopes.ts";

type Call = Extract<Expression, { type: "CallExpression" }>;
type Member = Extract<Expression, { type: "MemberExpression" }>;

/** A call of a tool, whether or not that tool exists. */
export interface ToolCallSite {
  readonly node: Call;
  readonly reference: Reference;
  /** True when the fault is in its arguments, false when it is in its name. */
  readonly inArguments: boolean;
}

export interface FaultSite {
  /** From the innermost node that contains the fault up to the program. */
  readonly path: readonly SyntaxNode[];
  /** The innermost call around the fault, when it calls a tool. */
  readonly call: ToolCallSite | undefined;
}

export interface ProgramSites {
  at(start: number, end: number): FaultSite;
  /** A chain of names that starts at a tool global, unless that global is hidden at this place. */
  toolReference(node: Expression, site: FaultSite): Reference | undefined;
  /** Whether the program declares this name itself around the fault. */
  isHidden(name: string, site: FaultSite): boolean;
  /** Names of properties that the program assigns on some object: `issue.score = 1`. */
  readonly assigned: ReadonlySet<string>;
  /** Variables whose properties the program sets one by one: `args.repo = …`, `Object.assign(args, …)`. */
  readonly built: ReadonlySet<string>;
  /** Variables that are assigned again: their declared value does not hold everywhere. */
  readonly reassigned: ReadonlySet<string>;
  /** Names the program asks about with `typeof`. */
  readonly probed: ReadonlySet<string>;
}

/** `program` is a compiled body; undefined if it cannot be parsed again. */
export function readSites(program: string, roots: ReadonlySet<string>): ProgramSites | undefined {
  const parsed = parseProgram(program);
  if (!parsed.ok) return undefined;
  const toolReference = (node: Expression, path: readonly SyntaxNode[]): Reference | undefined => {
    const reference = referenceOf(node);
    return reference !== undefined && roots.has(reference.root) && !isHidden(reference.root, path)
      ? reference
      : undefined;
  };
  return {
    ...readHabits(parsed.node),
    toolReference: (node, { path }) => toolReference(node, path),
    isHidden: (name, { path }) => isHidden(name, path),
    at(start, end) {
      const path = pathTo(parsed.node, start, end);
      return { path, call: innermostCall(path, start, end, toolReference) };
    },
  };
}

/** Statements and expressions only: a type has no effect. */
function pathTo(program: Program, start: number, end: number): readonly SyntaxNode[] {
  const path: SyntaxNode[] = [];
  let node: SyntaxNode | undefined = program;
  while (node !== undefined) {
    path.unshift(node);
    node = [...childrenOf(node)]
      .map((child) => child.node)
      .find((child) => startOf(child) <= start && end <= endOf(child));
  }
  return path;
}

function innermostCall(
  path: readonly SyntaxNode[],
  start: number,
  end: number,
  toolReference: (node: Expression, path: readonly SyntaxNode[]) => Reference | undefined,
): ToolCallSite | undefined {
  for (const node of path) {
    const type: string = node.type;
    // A fault of a call's own value concerns the call that receives it.
    if (node === path[0] && startOf(node) === start && endOf(node) === end && isValue(type)) continue;
    // A fault inside a callback is not a fault of the call.
    if (/Function|Class|Method/.test(type)) return undefined;
    if (type === "NewExpression") return undefined;
    if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") continue;
    const call = node as Call;
    const reference = toolReference(call.callee as Expression, path);
    return reference && { node: call, reference, inArguments: start >= endOf(call.callee as Expression) };
  }
  return undefined;
}

function isValue(type: string): boolean {
  return type === "NewExpression" || type === "CallExpression" || type === "OptionalCallExpression";
}

function isHidden(name: string, path: readonly SyntaxNode[]): boolean {
  return path.some((node) => opensScope(node) && declaredIn(node).has(name));
}

type Habits = Pick<ProgramSites, "assigned" | "built" | "probed" | "reassigned">;

function readHabits(program: Program): Habits {
  const assigned = new Set<string>();
  const built = new Set<string>();
  const probed = new Set<string>();
  const reassigned = new Set<string>();
  for (const node of nodesOf(program)) {
    if (node.type === "AssignmentExpression" || node.type === "UpdateExpression") {
      const target = node.type === "AssignmentExpression" ? node.left : node.argument;
      const member = target as SyntaxNode;
      if (member.type === "Identifier") reassigned.add(member.name);
      if (member.type !== "MemberExpression") continue;
      const name = propertyName(member.property as Expression, member.computed);
      if (name !== undefined) assigned.add(name);
      const object = withoutAssertions(member.object as Expression);
      if (object.type === "Identifier") built.add(object.name);
    }
    if (node.type === "VariableDeclaration" && node.kind === "var")
      for (const { id } of node.declarations) if (id.type === "Identifier") reassigned.add(id.name);
    if (node.type === "UnaryExpression" && node.operator === "typeof" && node.argument.type === "Identifier")
      probed.add(node.argument.name);
    if (node.type === "CallExpression" && isObjectAssign(node)) {
      const [target] = node.arguments;
      if (target?.type === "Identifier") built.add(target.name);
    }
  }
  return { assigned, built, probed, reassigned };
}

function isObjectAssign({ callee }: Call): boolean {
  const reference = referenceOf(callee as Expression);
  return reference?.root === "Object" && reference.path.join(".") === "assign";
}

/** The property access whose property the fault names. */
export function memberAt({ path }: FaultSite): Member | undefined {
  const [name, member] = path;
  const type: string | undefined = member?.type;
  if (type !== "MemberExpression" && type !== "OptionalMemberExpression") return undefined;
  const access = member as Member;
  return access.property === name ? access : undefined;
}

/** Whether the program allows for a missing member: it is in a condition, beside `??` or `||`, or before `?.`. */
export function isGuarded({ path }: FaultSite, member: SyntaxNode): boolean {
  let node = member;
  for (const parent of path.slice(path.indexOf(member) + 1)) {
    const type: string = parent.type;
    switch (parent.type) {
      case "LogicalExpression":
        return true;
      case "ConditionalExpression":
      case "IfStatement":
        return parent.test === node;
      case "UnaryExpression":
        return parent.operator === "!" || parent.operator === "typeof";
      default:
    }
    if (type === "OptionalMemberExpression" || type === "OptionalCallExpression") {
      if (Reflect.get(parent, "optional") === true) return true;
    } else if (!CHAIN.has(type)) return false;
    node = parent;
  }
  return false;
}

/** Nodes that pass a value on unchanged; any other node uses it. */
const CHAIN: ReadonlySet<string> = new Set(["TSNonNullExpression", "TSAsExpression", "AwaitExpression"]);
