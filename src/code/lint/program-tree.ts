/** A program's syntax with the binding of each name: one walk, then every name is looked up in its scopes. */

import { childrenOf, type SyntaxNode } from "../syntax/parse.ts";
import { opensScope } from "../syntax/scopes.ts";
import { type Declares, type NameRole, roleOf } from "./name-roles.ts";
import type { Binding, BindingKind, Body, Parents, Place, ProgramTree, Scope } from "./tree.ts";

export function readTree(root: SyntaxNode): ProgramTree {
  return new Walk().run(root);
}

/** Nodes whose code runs at another time than the code around them. */
const BODIES: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod",
  "ClassProperty",
  "ClassPrivateProperty",
  "ClassAccessorProperty",
  "StaticBlock",
]);

class Walk {
  readonly #places: Place[] = [];
  readonly #byNode = new Map<SyntaxNode, Place>();
  readonly #bodies = new Map<SyntaxNode, Body>();
  readonly #bindings = new Map<SyntaxNode, Binding>();

  /** An explicit stack: a long chain of operators is a deep tree, but must not fail. */
  run(root: SyntaxNode): ProgramTree {
    const program: Scope = { outer: null, body: this.#newBody(root, null), names: new Map() };
    const stack: Place[] = [{ node: root, key: "", parents: null, scope: program }];
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      const { node, key, parents, scope: around } = place;
      this.#places.push(place);
      this.#byNode.set(node, place);
      const scope = node.type === "Program" ? program : this.#scopeIn(place);
      if (node.type === "ReturnStatement") scope.body.returns.push(place);
      if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await))
        scope.body.awaits.push(place);
      const chain: Parents = { node, key, outer: parents };
      // A member's computed name is evaluated outside, where the class or the object is.
      for (const { node: child, field } of childrenOf(node))
        stack.push({ node: child, key: field, parents: chain, scope: field === "key" ? around : scope });
    }
    return this.#named(root);
  }

  #newBody(node: SyntaxNode, outer: Body | null): Body {
    const body: Body = { node, outer, returns: [], awaits: [] };
    this.#bodies.set(node, body);
    return body;
  }

  #scopeIn({ node, scope }: Place): Scope {
    const isBody = BODIES.has(node.type);
    if (!isBody && !opensScope(node)) return scope;
    const body = isBody ? this.#newBody(node, scope.body) : scope.body;
    return { outer: scope, body, names: new Map() };
  }

  /** All declarations come first: a name is known above its declaration, too. */
  #named(root: SyntaxNode): ProgramTree {
    const used: (readonly [Place, NameRole])[] = [];
    for (const place of this.#places) {
      if (place.node.type !== "Identifier") continue;
      const role = roleOf(place);
      if (role.type === "declares") this.#declare(place, role);
      else if (role.type !== "none") used.push([place, role]);
    }
    const free: Place[] = [];
    for (const [place, { type }] of used) {
      const binding = resolve(nameOf(place), place.scope);
      if (binding === undefined) free.push(place);
      else {
        this.#bindings.set(place.node, binding);
        if (type !== "writes") binding.reads.push(place);
        if (type !== "reads") binding.writes.push(place);
      }
    }
    return {
      places: this.#places,
      free,
      placeOf: (node) => this.#byNode.get(node),
      bindingOf: (identifier) => this.#bindings.get(identifier),
      bodyOf: (node) => this.#bodies.get(node),
      programBody: this.#bodies.get(root) as Body,
    };
  }

  #declare(place: Place, { kind, declaration }: Declares): void {
    const scope = this.#scopeOf(place, kind, declaration);
    const name = nameOf(place);
    const known = scope.names.get(name);
    // A repeated declaration, allowed for `var`, assigns the name there.
    if (known !== undefined) known.writes.push(place);
    const binding = known ?? { name, kind, scope, place, declaration, reads: [], writes: [] };
    scope.names.set(name, binding);
    this.#bindings.set(place.node, binding);
  }

  #scopeOf({ scope }: Place, kind: BindingKind, declaration: SyntaxNode): Scope {
    if (kind === "function") return this.#byNode.get(declaration)?.scope ?? scope;
    if (kind !== "var") return scope;
    let outermost = scope;
    while (outermost.outer !== null && outermost.outer.body === scope.body) outermost = outermost.outer;
    return outermost;
  }
}

function nameOf({ node }: Place): string {
  return node.type === "Identifier" ? node.name : "";
}

export function resolve(name: string, scope: Scope): Binding | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const binding = at.names.get(name);
    if (binding !== undefined) return binding;
  }
  return undefined;
}
