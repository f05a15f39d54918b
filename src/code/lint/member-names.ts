/** Names that a program gives to members: a member of such a name may differ from the value it was created with. */
import { type Expression, fieldOf, isFunction, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName, referenceOf } from "../syntax/references.ts";
import type { Place, ProgramTree } from "./tree.ts";

export interface MemberNames {
  /** Methods that the program defines itself. */
  readonly methods: ReadonlySet<string>;
  /** Properties that it assigns or deletes. */
  readonly assigned: ReadonlySet<string>;
  /** Variables and properties that it awaits, or passes to code that may await them. */
  readonly awaited: ReadonlySet<string>;
  /** Whether some property is assigned whose name the text does not show. */
  readonly anyAssigned: boolean;
}

export function readMemberNames({ places }: ProgramTree): MemberNames {
  const names = new Names();
  for (const place of places) names.read(place);
  return names;
}

class Names implements MemberNames {
  readonly methods = new Set<string>();
  readonly assigned = new Set<string>();
  readonly awaited = new Set<string>();
  anyAssigned = false;

  read(place: Place): void {
    const { node } = place;
    switch (node.type) {
      case "ObjectMethod":
      case "ClassMethod":
      case "ObjectProperty":
      case "ClassProperty":
        this.#readDefinition(node);
        return;
      case "MemberExpression":
        if (isTarget(place)) this.#readTarget(node, place);
        return;
      case "CallExpression":
        this.#readCall(node);
        return;
      case "ArrowFunctionExpression":
        // `Promise.all(jobs.map((job) => job.done))`
        if (node.body.type === "MemberExpression") addName(this.awaited, lastName(node.body));
        return;
      case "AwaitExpression":
        addName(this.awaited, lastName(node.argument));
        return;
      default:
    }
  }

  #readDefinition(node: SyntaxNode): void {
    const name = keyName(fieldOf(node, "key") as Expression, fieldOf(node, "computed") === true);
    const isMethod = node.type.endsWith("Method") || isFunction(fieldOf(node, "value") as Expression);
    if (isMethod) addName(this.methods, name);
  }

  #readTarget(member: Extract<Expression, { type: "MemberExpression" }>, { parents }: Place): void {
    const name = memberName(member.property as Expression, member.computed);
    addName(this.assigned, name);
    const parent = parents?.node;
    if (parent?.type !== "AssignmentExpression") return;
    if (isFunction(parent.right)) addName(this.methods, name);
    // `row[key] = await row[key]`
    const { right } = parent;
    if (name === undefined && right.type === "AwaitExpression" && right.argument.type === "MemberExpression")
      this.anyAssigned ||= right.argument.computed;
  }

  #readCall({ callee, arguments: given }: Extract<Expression, { type: "CallExpression" }>): void {
    const reference = referenceOf(callee as Expression);
    if (reference?.root !== "Object" || reference.path[0] !== "assign") return;
    if (given[0]?.type === "ObjectExpression") return;
    for (const source of given.slice(1)) {
      if (source.type !== "ObjectExpression") this.anyAssigned = true;
      else for (const property of source.properties) this.#readAssigned(property);
    }
  }

  #readAssigned(property: SyntaxNode): void {
    if (property.type === "SpreadElement") this.anyAssigned = true;
    else
      addName(
        this.assigned,
        keyName(fieldOf(property, "key") as Expression, fieldOf(property, "computed") === true),
      );
  }
}

function addName(names: Set<string>, name: string | undefined): void {
  if (name !== undefined) names.add(name);
}

/** It is assigned, incremented, deleted, or destructured from another value. */
function isTarget({ key, parents }: Place): boolean {
  switch (parents?.node.type) {
    case "AssignmentExpression":
    case "AssignmentPattern":
    case "ForOfStatement":
    case "ForInStatement":
      return key === "left";
    case "UpdateExpression":
    case "ArrayPattern":
    case "RestElement":
      return true;
    case "UnaryExpression":
      return parents.node.operator === "delete";
    case "ObjectProperty":
      return parents.outer?.node.type === "ObjectPattern";
    default:
      return false;
  }
}

function lastName(node: Expression): string | undefined {
  const inner = withoutAssertions(node);
  if (inner.type === "Identifier") return inner.name;
  if (inner.type !== "MemberExpression" && inner.type !== "OptionalMemberExpression") return undefined;
  return memberName(inner.property as Expression, inner.computed);
}

/** The name of a member where it is defined. */
export function keyName(key: Expression, computed: boolean): string | undefined {
  return key.type === "StringLiteral" ? key.value : memberName(key, computed);
}
