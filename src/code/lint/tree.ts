/** A program as the lint sees it: scopes, bindings and bodies. `program-tree.ts` builds it. */
import type { SyntaxNode } from "../syntax/parse.ts";

/** The chain from a node up to the program, innermost first; `key` is the field that holds the child. */
export interface Parents {
  readonly node: SyntaxNode;
  readonly key: string;
  readonly outer: Parents | null;
}

/** A node with its position in the tree. */
export interface Place {
  readonly node: SyntaxNode;
  /** The field of its parent that holds it. */
  readonly key: string;
  readonly parents: Parents | null;
  readonly scope: Scope;
}

export interface Scope {
  readonly outer: Scope | null;
  /** The innermost function around it, or the program. */
  readonly body: Body;
  readonly names: Map<string, Binding>;
}

/** A function, or the program: code that runs as a unit. */
export interface Body {
  readonly node: SyntaxNode;
  readonly outer: Body | null;
  /** Its `return` statements and `await`s, in no particular order. */
  readonly returns: Place[];
  readonly awaits: Place[];
}

export type BindingKind = "const" | "let" | "var" | "function" | "class" | "parameter" | "other";

export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** The name in its declaration. */
  readonly place: Place;
  /** The declarator, function, class or clause that contains it. */
  readonly declaration: SyntaxNode;
  /** Places that read its value. */
  readonly reads: Place[];
  /** Places that assign it. */
  readonly writes: Place[];
}

export interface ProgramTree {
  /** Every node, a parent before its children. */
  readonly places: readonly Place[];
  /** Places of undeclared names. */
  readonly free: readonly Place[];
  placeOf(node: SyntaxNode): Place | undefined;
  /** The binding of an identifier, if the program declares it. */
  bindingOf(identifier: SyntaxNode): Binding | undefined;
  bodyOf(node: SyntaxNode): Body | undefined;
  readonly programBody: Body;
}
