/** The evaluator's interface for the functions that evaluate one kind of expression. */
import type { SyntaxNode } from "../syntax/parse.ts";
import type { Binding, ProgramTree } from "./tree.ts";
import type { Value } from "./values.ts";

/** A program's names besides the language's own. */
export interface GlobalNames {
  /** Names that lead to tools, or to functions of the host: `github`, `tools`, `runs`. */
  readonly roots: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
}

export interface Evaluator {
  readonly tree: ProgramTree;
  readonly globals: GlobalNames;
  /** Methods that the program defines itself: they may differ from an array's method of that name. */
  readonly ownMethods: ReadonlySet<string>;
  /** Names of properties that the program assigns on some object. */
  readonly assigned: ReadonlySet<string>;
  /** Names of variables and properties that the program awaits. */
  readonly awaited: ReadonlySet<string>;
  /** The value of an expression; unknown for any other node. */
  of(node: SyntaxNode | null | undefined): Value;
  ofBinding(binding: Binding): Value;
  /** The value of a function's parameter, by its position. */
  ofArgument(callable: SyntaxNode, index: number): Value;
  /** The value that a function returns, before a promise wraps it. */
  ofReturn(callable: SyntaxNode): Value;
  /** The value of a call; `call` is its node. */
  ofCall(callable: Value, call: SyntaxNode): Value;
}
