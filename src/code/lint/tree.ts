/** A program as the lint reads it: scopes, bindings and bodies. `program-tree.ts` builds it. */
import type { SyntaxNode } from "../syntax/parse.ts";

/** The way from a node up to the program, innermost first; `key` is the field the child stands in. */
export interface Parents {
  readonly node: SyntaxNode;
  readonly key: string;
  readonly outer: Parents | null;
}

/** A node where it stands. */
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

/** A function, or the program: what runs as a whole. */
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
  /** The name where it is declared. */
  readonly place: Place;
  /** The declarator, function, class or clause that declares it. */
  readonly declaration: SyntaxNode;
  /** Where its value is read. */
  readonly reads: Place[];
  /** Where it gets another value. */
  readonly writes: Place[];
}

export interface ProgramTree {
  /** Every node, a parent before its children. */
  readonly places: readonly Place[];
  /** Names nobody declares, where they are used. */
  readonly free: readonly Place[];
  placeOf(node: SyntaxNode): Place | undefined;
  /** What an identifier stands for, if the program declares it. */
  bindingOf(identifier: SyntaxNode): Binding | undefined;
  bodyOf(node: SyntaxNode): Body | undefined;
  readonly programBody: Body;
}
