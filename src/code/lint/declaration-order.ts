/** Names used before they have a value, and constants that are assigned. */

import { type Expression, endOf, fieldOf, type SyntaxNode, startOf } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { methodCallOf } from "./call-values.ts";
import type { Evaluator } from "./evaluator.ts";
import { error, warning } from "./promise-remarks.ts";
import type { Binding, Body, Parents, Place } from "./tree.ts";
import { isCall } from "./words.ts";

/** Finds an assigned `const`, and a variable used above its declaration where that certainly happens. */
export function misusedName(binding: Binding, evaluator: Evaluator): readonly Remark[] {
  return [...assignedConstant(binding), ...usedTooEarly(binding, evaluator)];
}

/** A global that the program may read but not change. */
export function assignedGlobal(
  { node, key, parents }: Place,
  globals: ReadonlySet<string>,
): Remark | undefined {
  const name = (node as { readonly name?: string }).name ?? "";
  if (!globals.has(name)) return undefined;
  const parent = parents?.node;
  const isTarget =
    parent?.type === "UpdateExpression" || (parent?.type === "AssignmentExpression" && key === "left");
  return isTarget
    ? error(`${name} cannot be assigned: give the value a variable with a name of its own.`, node)
    : undefined;
}

function assignedConstant({ kind, name, writes }: Binding): readonly Remark[] {
  if (kind !== "const") return [];
  return writes.map(({ node, parents }) => {
    const inLoop = parents?.outer?.node.type === "ForStatement";
    const fix = inLoop ? `write for (let ${name} = …).` : `declare it with let, or use another name.`;
    return error(`${name} is a const and cannot be assigned: ${fix}`, node);
  });
}

function usedTooEarly(binding: Binding, evaluator: Evaluator): readonly Remark[] {
  const { kind, reads, writes } = binding;
  if (kind !== "const" && kind !== "let" && kind !== "class") return [];
  const ready = readyAt(binding);
  const uses = [...reads, ...writes];
  const early = uses.flatMap((use): readonly Remark[] => {
    if (use.scope.body === binding.scope.body)
      return startOf(use.node) < ready.offset && !isIn(use, ready.pattern)
        ? [error(sayEarly(use, binding, evaluator), use.node)]
        : [];
    const call = earlyCall(use, binding, ready.offset, evaluator);
    if (call !== undefined) return [error(sayEarlyCall(call, binding), call.node)];
    return isEarlyCallback(use, binding, ready.offset, evaluator)
      ? [warning(sayEarly(use, binding, evaluator), use.node)]
      : [];
  });
  return early;
}

/** The offset from which on it has its value. In the pattern before, parts may use each other. */
function readyAt({ declaration, place }: Binding): {
  readonly offset: number;
  readonly pattern: SyntaxNode;
} {
  if (declaration.type === "VariableDeclarator") {
    const loop = place.parents && loopOf(place.parents);
    const id = declaration.id as SyntaxNode;
    return { offset: loop ? endOf(loop) : endOf(declaration), pattern: id };
  }
  const body = fieldOf(declaration, "body") as SyntaxNode | undefined;
  return { offset: startOf(body ?? declaration), pattern: place.node };
}

/** The right side of the loop that declares the variable. */
function loopOf(parents: Parents): SyntaxNode | undefined {
  for (let at: Parents | null = parents; at !== null; at = at.outer) {
    if (at.node.type === "VariableDeclaration") {
      const loop = at.outer?.node;
      const isLoop = loop?.type === "ForOfStatement" || loop?.type === "ForInStatement";
      return isLoop && at.key === "left" ? loop.right : undefined;
    }
  }
  return undefined;
}

function isIn({ node }: Place, outer: SyntaxNode): boolean {
  return startOf(outer) <= startOf(node) && endOf(node) <= endOf(outer);
}

function sayEarly({ node }: Place, binding: Binding, { globals }: Evaluator): string {
  const { name, declaration } = binding;
  if (globals.roots.has(name))
    return `${name} is a variable here and not the tool server or tool: rename the variable.`;
  const inItself = startOf(declaration) <= startOf(node) && endOf(node) <= endOf(declaration);
  return inItself
    ? `${name} is used in its own value, before it has one: rename the variable.`
    : `${name} is used before its declaration: move the declaration above this line.`;
}

function sayEarlyCall(call: Place, { name }: Binding): string {
  const called = fieldOf((call.node as { callee?: SyntaxNode }).callee as SyntaxNode, "name");
  const said = typeof called === "string" ? `${called}(…)` : "This call";
  return `${said} uses ${name}, which is declared further down: move the declaration above this line.`;
}

/** A call above the declaration, of a function that certainly reaches the use, directly or through another one. */
function earlyCall(
  use: Place,
  binding: Binding,
  ready: number,
  evaluator: Evaluator,
  depth = 0,
): Place | undefined {
  const { body } = use.scope;
  const around = binding.scope.body;
  if (body.outer !== around || depth > MAX_CALL_DEPTH || !isReached(use, body)) return undefined;
  const comesBefore = isBeforeAwaits(use, body);
  for (const call of callsOf(body, evaluator)) {
    if (!comesBefore && call.parents?.node.type !== "AwaitExpression") continue;
    if (call.scope.body !== around) {
      const found = earlyCall(call, binding, ready, evaluator, depth + 1);
      if (found !== undefined) return found;
    } else if (endOf(call.node) <= ready) return call;
  }
  return undefined;
}

const MAX_CALL_DEPTH = 4;

/** A callback that an array's method calls above the declaration, provided the array has an element. */
function isEarlyCallback(use: Place, binding: Binding, ready: number, { tree }: Evaluator): boolean {
  const { body } = use.scope;
  const place = tree.placeOf(body.node);
  const call = place?.parents?.node;
  if (call === undefined || place === undefined || !isCall(call) || place.key !== "arguments") return false;
  if (place.scope.body !== binding.scope.body || endOf(call) > ready) return false;
  const name = methodCallOf(call)?.name ?? "";
  return AT_ONCE.has(name) && isReached(use, body) && isBeforeAwaits(use, body);
}

const AT_ONCE: ReadonlySet<string> = new Set([
  ...["map", "flatMap", "forEach", "filter", "some", "every", "find", "findIndex", "reduce", "sort"],
]);

/** Most calls of one function: each is examined for each use of a variable in it. */
const MAX_CALLS = 200;

/** Its calls by name, and on the spot. */
function callsOf({ node }: Body, { tree }: Evaluator): readonly Place[] {
  const place = tree.placeOf(node);
  const holder = place?.parents?.node;
  if (holder === undefined) return [];
  if (isCall(holder) && place?.key === "callee") return placesOf([holder], tree.placeOf);
  const name =
    node.type === "FunctionDeclaration"
      ? node.id
      : holder.type === "VariableDeclarator"
        ? holder.id
        : undefined;
  const binding = name ? tree.bindingOf(name as Expression) : undefined;
  if (binding === undefined || binding.writes.length > 0 || binding.reads.length > MAX_CALLS) return [];
  const called = binding.reads.filter(
    ({ key, parents }) => key === "callee" && parents && isCall(parents.node),
  );
  return placesOf(
    called.flatMap(({ parents }) => (parents ? [parents.node] : [])),
    tree.placeOf,
  );
}

function placesOf(
  nodes: readonly SyntaxNode[],
  placeOf: (node: SyntaxNode) => Place | undefined,
): readonly Place[] {
  return nodes.flatMap((node) => placeOf(node) ?? []);
}

/** Whether no path through the function avoids the use. */
function isReached(use: Place, body: Body): boolean {
  const start = startOf(use.node);
  if (body.returns.some(({ node }) => endOf(node) <= start)) return false;
  if (!/^(?:Function|Arrow)/.test(body.node.type) || fieldOf(body.node, "generator") === true) return false;
  for (let at = use.parents; at !== null && at.node !== body.node; at = at.outer)
    if (PERHAPS.test(at.node.type)) return false;
  return true;
}

/** Syntax whose parts are not always executed, or whose failures are caught. */
const PERHAPS =
  /^(?:If|Conditional|Logical|For|While|DoWhile|Switch|Try|Catch|Optional|AssignmentPattern|Labeled)/;

function isBeforeAwaits(use: Place, body: Body): boolean {
  if (fieldOf(body.node, "async") !== true) return true;
  return body.awaits.every(({ node }) => endOf(node) > startOf(use.node));
}
