/** The contents of an array or an object that a program fills piece by piece: `rows.push(…)`, `out[id] = …`. */
import { type Expression, fieldOf, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import { builtinOf, type Call } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Binding, Place } from "./tree.ts";
import { arrayOf, elementOf, joinAll, UNKNOWN, type Value } from "./values.ts";

/** A value put into it; without a name, under any name. */
interface Part {
  readonly name: string | undefined;
  readonly value: Value;
}

/** Undefined when the container is not made here. Unknown when other code may fill it as well. */
export function containerValue(binding: Binding, evaluator: Evaluator): Value | undefined {
  const { declaration, place } = binding;
  const init = declaration.type === "VariableDeclarator" && place.key === "id" ? declaration.init : undefined;
  const made = init ? withoutAssertions(init) : undefined;
  if (made?.type !== "ArrayExpression" && made?.type !== "ObjectExpression") return undefined;
  const parts: Part[] = [];
  for (const read of binding.reads) {
    const found = partsOf(read, evaluator);
    if (found === undefined) return UNKNOWN;
    parts.push(...found);
  }
  const value = evaluator.of(made);
  if (parts.length === 0) return value;
  const values = parts.map((part) => part.value);
  if (value.type === "array") {
    const own = made.type === "ArrayExpression" && made.elements.length > 0 ? [value.element] : [];
    return arrayOf(joinAll([...own, ...values]));
  }
  return value.type === "object" ? filledObject(value.fields, parts) : UNKNOWN;
}

function filledObject(own: ReadonlyMap<string, Value>, parts: readonly Part[]): Value {
  const anywhere = parts.filter(({ name }) => name === undefined).map(({ value }) => value);
  const names = new Set([...own.keys(), ...parts.flatMap(({ name }) => (name === undefined ? [] : [name]))]);
  const fields = new Map<string, Value>();
  for (const name of names) {
    const put = parts.filter((part) => part.name === name).map(({ value }) => value);
    // A name that is assigned anywhere is unknown in the literal.
    const first = own.get(name);
    fields.set(name, joinAll([...(first === undefined ? [] : [first]), ...put, ...anywhere]));
  }
  if (anywhere.length > 0) fields.set("…", joinAll(anywhere));
  return { type: "object", fields };
}

/** The parts that one use puts in: mostly none. Undefined when that is not known. */
function partsOf({ node, parents }: Place, evaluator: Evaluator): readonly Part[] | undefined {
  const parent = parents?.node;
  switch (parent?.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      if (parent.object !== node) return [];
      return partsOfMember(parent, parents?.outer?.node, evaluator);
    case "CallExpression":
    case "OptionalCallExpression":
      return isReader(parent, evaluator) ? [] : undefined;
    case "VariableDeclarator":
      return parent.id.type === "Identifier" ? undefined : [];
    case "AssignmentExpression":
    case "AssignmentPattern":
    case "ArrowFunctionExpression":
    case "NewExpression":
      return undefined;
    default:
      return [];
  }
}

function partsOfMember(
  member: Extract<Expression, { type: "MemberExpression" | "OptionalMemberExpression" }>,
  holder: SyntaxNode | undefined,
  evaluator: Evaluator,
): readonly Part[] | undefined {
  const name = memberName(member.property as Expression, member.computed);
  if (holder?.type === "AssignmentExpression" && holder.left === (member as SyntaxNode))
    return [{ name, value: holder.operator === "=" ? evaluator.of(holder.right) : UNKNOWN }];
  if (holder?.type === "UnaryExpression" && holder.operator === "delete") return [{ name, value: UNKNOWN }];
  const isCall = holder?.type === "CallExpression" || holder?.type === "OptionalCallExpression";
  if (!isCall || holder.callee !== (member as SyntaxNode)) return [];
  if (name === "push" || name === "unshift")
    return (holder.arguments as readonly SyntaxNode[]).map((each) => ({
      name: undefined,
      value:
        each.type === "SpreadElement"
          ? elementOf(evaluator.of(each.argument))
          : evaluator.of(each as Expression),
    }));
  return name === undefined || REPLACING.has(name) ? undefined : [];
}

const REPLACING: ReadonlySet<string> = new Set(["splice", "fill", "copyWithin"]);

/** Functions that do not change their arguments. */
function isReader(call: Call, evaluator: Evaluator): boolean {
  const name = builtinOf(call.callee as SyntaxNode, evaluator);
  if (name !== undefined)
    return name !== "Object.assign" && /^(?:JSON|Object|Array|Promise|console|Math)\./.test(name);
  return evaluator.of(fieldOf(call, "callee") as SyntaxNode).type === "tools";
}
