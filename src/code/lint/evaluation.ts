/** The value of every expression of a program, as far as the text shows it. Each is computed once. */
import { type Expression, fieldOf, isFunction, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import { BindingValues } from "./binding-values.ts";
import { callValue, toolValue } from "./call-values.ts";
import type { Evaluator, GlobalNames } from "./evaluator.ts";
import { keyName, readMemberNames } from "./member-names.ts";
import type { Binding, ProgramTree } from "./tree.ts";
import {
  arrayOf,
  DATA,
  elementOf,
  fieldOfValue,
  INSTANCE,
  joinAll,
  NULLISH,
  settle,
  UNKNOWN,
  type Value,
} from "./values.ts";

/** Deeper expressions are unknown, because evaluation recurses. */
const MAX_DEPTH = 60;

export class Evaluation implements Evaluator {
  readonly tree: ProgramTree;
  readonly globals: GlobalNames;
  readonly ownMethods: ReadonlySet<string>;
  readonly assigned: ReadonlySet<string>;
  readonly awaited: ReadonlySet<string>;
  readonly #anyAssigned: boolean;
  readonly #values = new Map<SyntaxNode, Value>();
  readonly #bindings: BindingValues;
  #depth = 0;

  constructor(tree: ProgramTree, globals: GlobalNames) {
    this.tree = tree;
    this.globals = globals;
    const names = readMemberNames(tree);
    this.ownMethods = names.methods;
    this.assigned = names.assigned;
    this.awaited = names.awaited;
    this.#anyAssigned = names.anyAssigned;
    this.#bindings = new BindingValues(this);
  }

  of(node: SyntaxNode | null | undefined): Value {
    if (node === null || node === undefined) return UNKNOWN;
    const known = this.#values.get(node);
    if (known !== undefined) return known;
    if (this.#depth > MAX_DEPTH) return UNKNOWN;
    // A value that depends on itself is unknown.
    this.#values.set(node, UNKNOWN);
    this.#depth += 1;
    const value = this.#evaluate(node as Expression);
    this.#depth -= 1;
    this.#values.set(node, value);
    return value;
  }

  ofArgument(callable: SyntaxNode, index: number): Value {
    return this.#bindings.ofArgument(callable, index);
  }

  ofBinding(binding: Binding): Value {
    return this.#bindings.of(binding);
  }

  ofReturn(callable: SyntaxNode): Value {
    if (fieldOf(callable, "generator") === true) return INSTANCE;
    const body = fieldOf(callable, "body") as SyntaxNode;
    if (body.type !== "BlockStatement") return this.of(body);
    if (!alwaysReturns(body)) return UNKNOWN;
    const returns = this.tree.bodyOf(callable)?.returns ?? [];
    return joinAll(returns.map(({ node }) => this.#ofReturned(node)));
  }

  ofCall(callable: Value, call: SyntaxNode): Value {
    if (callable.type === "tools") return toolValue(callable.reference, call);
    if (callable.type !== "function") return UNKNOWN;
    const { node } = callable;
    const returned = this.ofReturn(node);
    const isGenerator = fieldOf(node, "generator") === true;
    if (fieldOf(node, "async") === true && !isGenerator)
      return { type: "promise", certain: true, result: settle(returned), origin: call };
    return returned.type === "promise" ? { ...returned, origin: call } : returned;
  }

  #isFree(node: SyntaxNode, name: string): boolean {
    return node.type === "Identifier" && node.name === name && this.tree.bindingOf(node) === undefined;
  }

  #ofReturned(statement: SyntaxNode): Value {
    const argument = fieldOf(statement, "argument") as SyntaxNode | null;
    return argument === null ? NULLISH : this.of(argument);
  }

  #evaluate(node: Expression): Value {
    const inner = withoutAssertions(node);
    if (inner !== node) return this.of(inner);
    if (isFunction(inner)) return { type: "function", node: inner };
    switch (inner.type) {
      case "Identifier":
        return this.#ofName(inner);
      case "MemberExpression":
      case "OptionalMemberExpression":
        return fieldOfValue(
          this.of(inner.object as Expression),
          memberName(inner.property as Expression, inner.computed),
        );
      case "CallExpression":
      case "OptionalCallExpression":
        return callValue(inner, this);
      case "NewExpression":
        return this.#ofNew(inner);
      case "AwaitExpression":
        return settle(this.of(inner.argument));
      case "ArrayExpression":
        return this.#ofArray(inner);
      case "ObjectExpression":
        return this.#ofObject(inner);
      case "ConditionalExpression":
        return joinAll([this.of(inner.consequent), this.of(inner.alternate)]);
      case "LogicalExpression":
        return this.#ofLogical(inner);
      case "AssignmentExpression":
        return inner.operator === "=" ? this.of(inner.right) : UNKNOWN;
      case "SequenceExpression":
        return this.of(inner.expressions.at(-1));
      case "ThisExpression":
      case "RegExpLiteral":
        return INSTANCE;
      case "NullLiteral":
        return NULLISH;
      case "UnaryExpression":
        return inner.operator === "void" ? NULLISH : DATA;
      case "StringLiteral":
      case "NumericLiteral":
      case "BooleanLiteral":
      case "BigIntLiteral":
      case "TemplateLiteral":
      case "BinaryExpression":
      case "UpdateExpression":
        return DATA;
      default:
        return UNKNOWN;
    }
  }

  #ofName(node: Extract<Expression, { type: "Identifier" }>): Value {
    const binding = this.tree.bindingOf(node);
    if (binding !== undefined) return this.ofBinding(binding);
    const { name } = node;
    if (name === "undefined") return NULLISH;
    if (name === "input" && this.globals.all.has(name)) return DATA;
    return this.globals.roots.has(name) ? { type: "tools", reference: { root: name, path: [] } } : UNKNOWN;
  }

  #ofNew(node: Extract<Expression, { type: "NewExpression" }>): Value {
    const { callee } = node;
    if (this.#isFree(callee, "Promise"))
      return { type: "promise", certain: true, result: UNKNOWN, origin: node };
    return callee.type === "Identifier" && this.tree.bindingOf(callee) === undefined ? UNKNOWN : INSTANCE;
  }

  #ofArray({ elements }: Extract<Expression, { type: "ArrayExpression" }>): Value {
    const items = elements.map((element): Value => {
      if (element === null) return NULLISH;
      return element.type === "SpreadElement" ? elementOf(this.of(element.argument)) : this.of(element);
    });
    const isPlain = elements.every((element) => element?.type !== "SpreadElement");
    return arrayOf(joinAll(items), isPlain ? items : undefined);
  }

  #ofObject({ properties }: Extract<Expression, { type: "ObjectExpression" }>): Value {
    const fields = new Map<string, Value>();
    for (const property of properties) {
      if (property.type === "SpreadElement") {
        // It may replace the fields before it.
        fields.clear();
        continue;
      }
      const name = keyName(property.key as Expression, property.computed);
      if (name === undefined) continue;
      const isValue = property.type === "ObjectProperty" && !this.assigned.has(name) && !this.#anyAssigned;
      fields.set(name, isValue ? this.of(property.value as Expression) : UNKNOWN);
    }
    return { type: "object", fields };
  }

  #ofLogical({ operator, left, right }: Extract<Expression, { type: "LogicalExpression" }>): Value {
    const first = this.of(left);
    if (operator === "&&") return first.type === "promise" && first.certain ? this.of(right) : UNKNOWN;
    return first.type === "promise" && first.certain ? first : joinAll([first, this.of(right)]);
  }
}

/** Whether every path through the statement returns before its end. */
function alwaysReturns(statement: SyntaxNode | null | undefined): boolean {
  switch (statement?.type) {
    case "ReturnStatement":
    case "ThrowStatement":
      return true;
    case "BlockStatement":
      return alwaysReturns(statement.body.at(-1));
    case "IfStatement":
      return alwaysReturns(statement.consequent) && alwaysReturns(statement.alternate);
    case "TryStatement":
      if (alwaysReturns(statement.finalizer)) return true;
      return alwaysReturns(statement.block) && (!statement.handler || alwaysReturns(statement.handler.body));
    default:
      return false;
  }
}
