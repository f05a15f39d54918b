/** The values that a variable or a parameter can hold. */
import { type Expression, fieldOf, isFunction, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { memberName } from "../syntax/references.ts";
import { type Call, methodCallOf } from "./call-values.ts";
import { containerValue } from "./container-values.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Binding, Parents, Place } from "./tree.ts";
import {
  arrayOf,
  DATA,
  elementOf,
  fieldOfValue,
  joinAll,
  NULLISH,
  settle,
  UNKNOWN,
  type Value,
} from "./values.ts";

export class BindingValues {
  readonly #evaluator: Evaluator;
  readonly #values = new Map<Binding, Value>();

  constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
  }

  of(binding: Binding): Value {
    const known = this.#values.get(binding);
    if (known !== undefined) return known;
    this.#values.set(binding, UNKNOWN);
    const value = this.#evaluate(binding);
    this.#values.set(binding, value);
    return value;
  }

  #evaluate(binding: Binding): Value {
    const { kind, place, declaration, writes } = binding;
    if (kind === "class" || kind === "other") return UNKNOWN;
    if (kind === "function") return writes.length === 0 ? { type: "function", node: declaration } : UNKNOWN;
    const first = this.#atDeclaration(place);
    const container = writes.length === 0 ? containerValue(binding, this.#evaluator) : undefined;
    return container ?? joinAll([first, ...writes.map((write) => this.#written(write))]);
  }

  #written(place: Place): Value {
    const parent = place.parents?.node;
    const isUpdate = parent?.type === "UpdateExpression" || parent?.type === "AssignmentExpression";
    if (!isUpdate || (parent.type === "AssignmentExpression" && parent.operator === "="))
      return this.#atDeclaration(place);
    if (parent.type === "UpdateExpression") return DATA;
    return /^(?:\|\||&&|\?\?)=$/.test(parent.operator) ? this.#evaluator.of(parent.right) : DATA;
  }

  /** From the destructured value down to the name. */
  #atDeclaration({ node, key, parents }: Place): Value {
    const steps: ((value: Value) => Value)[] = [];
    let child: SyntaxNode = node;
    let field = key;
    for (let at: Parents | null = parents; at !== null; at = at.outer) {
      const step = stepFrom(at.node, child, this.#evaluator);
      if (step === undefined) {
        const source = this.#source(at, field, child);
        return steps.reduceRight((value, next) => next(value), source);
      }
      steps.push(step);
      child = at.node;
      field = at.key;
    }
    return UNKNOWN;
  }

  /** The value that a declarator, an assignment, a loop or a call assigns to a pattern. */
  #source({ node, outer }: Parents, field: string, pattern: SyntaxNode): Value {
    switch (node.type) {
      case "VariableDeclarator":
        return node.init ? this.#evaluator.of(node.init) : this.#ofLoop(outer?.outer ?? null);
      case "AssignmentExpression":
        return this.#evaluator.of(node.right);
      case "ForOfStatement":
        return field === "left" ? ofEach(node, this.#evaluator) : UNKNOWN;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.ofArgument(node, (node.params as readonly SyntaxNode[]).indexOf(pattern));
      default:
        return UNKNOWN;
    }
  }

  /** A variable without an initializer belongs to a loop, or is undefined. */
  #ofLoop(statement: Parents | null): Value {
    if (statement?.node.type === "ForOfStatement") return ofEach(statement.node, this.#evaluator);
    return statement?.node.type === "ForInStatement" ? DATA : NULLISH;
  }

  ofArgument(callable: SyntaxNode, index: number): Value {
    const { tree } = this.#evaluator;
    const place = tree.placeOf(callable);
    const parent = place?.parents;
    if (place === undefined || !parent || index < 0) return UNKNOWN;
    if (callable.type === "FunctionDeclaration")
      return this.#ofCalls(tree.bindingOf(callable.id as never), index);
    if (parent.node.type === "VariableDeclarator" && parent.node.id.type === "Identifier")
      return this.#ofCalls(tree.bindingOf(parent.node.id), index);
    return this.#given(place, index);
  }

  /** The arguments of every call of a function whose only uses are calls. */
  #ofCalls(binding: Binding | undefined, index: number): Value {
    if (binding === undefined || binding.writes.length > 0) return UNKNOWN;
    if (binding.reads.length === 0 || binding.reads.length > MAX_CALLS) return UNKNOWN;
    return joinAll(binding.reads.map((read) => this.#given(read, index)));
  }

  /** The arguments of a function expression: where it is called on the spot, or used as a callback. */
  #given({ node, key, parents }: Place, index: number): Value {
    const call = parents?.node;
    if (call?.type !== "CallExpression" && call?.type !== "OptionalCallExpression") return UNKNOWN;
    const given = call.arguments as readonly SyntaxNode[];
    if (key !== "callee") return this.#callbackArgument(call, given.indexOf(node), index);
    if (given.slice(0, index + 1).some(({ type }) => type === "SpreadElement")) return UNKNOWN;
    return index < given.length ? this.#evaluator.of(given[index]) : NULLISH;
  }

  #callbackArgument(call: Call, position: number, index: number): Value {
    const method = methodCallOf(call);
    if (method === undefined || this.#evaluator.ownMethods.has(method.name)) return UNKNOWN;
    const { name, receiver } = method;
    if (name === "from") {
      const [source] = call.arguments;
      return position === 1 && index === 0 ? elementOf(this.#evaluator.of(source as Expression)) : UNKNOWN;
    }
    if (position !== 0) return UNKNOWN;
    const value = this.#evaluator.of(receiver);
    if (name === "then") return value.type === "promise" && index === 0 ? settle(value) : UNKNOWN;
    if (ELEMENT_METHODS.has(name)) return index === 0 ? elementOf(value) : index === 1 ? DATA : UNKNOWN;
    if (name === "sort" || name === "toSorted") return elementOf(value);
    if (name !== "reduce" && name !== "reduceRight") return UNKNOWN;
    return index === 1 ? elementOf(value) : index === 0 ? this.#accumulated(call) : UNKNOWN;
  }

  /** An async callback of `reduce` gives its next call a promise, whatever the first call gets. */
  #accumulated(call: Call): Value {
    const [callback] = call.arguments as readonly Expression[];
    const isAsync = isFunction(callback) && callback.async === true;
    return isAsync ? { type: "promise", certain: false, result: UNKNOWN, origin: call } : UNKNOWN;
  }
}

/** Most calls of one function: each is examined for each parameter. */
const MAX_CALLS = 200;

const ELEMENT_METHODS: ReadonlySet<string> = new Set([
  ...["map", "flatMap", "forEach", "filter", "some", "every"],
  ...["find", "findIndex", "findLast", "findLastIndex"],
]);

function ofEach(
  { right, await: waits }: Extract<SyntaxNode, { type: "ForOfStatement" }>,
  evaluator: Evaluator,
): Value {
  const element = elementOf(evaluator.of(right));
  return waits ? settle(element) : element;
}

/** The step by which a pattern takes one part of a value; undefined when the node is not a pattern. */
function stepFrom(
  pattern: SyntaxNode,
  part: SyntaxNode,
  evaluator: Evaluator,
): ((value: Value) => Value) | undefined {
  switch (pattern.type) {
    case "ArrayPattern": {
      const index = (pattern.elements as readonly unknown[]).indexOf(part);
      return part.type === "RestElement"
        ? (value) => arrayOf(elementOf(value))
        : (value) => fieldOfValue(value, String(index));
    }
    case "ObjectPattern":
      return part.type === "RestElement" ? () => UNKNOWN : (value) => value;
    case "ObjectProperty": {
      const name = memberName(pattern.key as Expression, pattern.computed);
      return (value) => fieldOfValue(value, name);
    }
    case "RestElement":
      return (value) => value;
    case "AssignmentPattern": {
      const fallback = evaluator.of(withoutAssertions(pattern.right));
      return (value) => (value.type === "nullish" ? fallback : joinAll([value, fallback]));
    }
    default:
      return fieldOf(pattern, "parameter") === part ? (value) => value : undefined;
  }
}
