/** What evaluates expressions, as those see it that do a part of it. */
import type { SyntaxNode } from "../syntax/parse.ts";
import type { Binding, ProgramTree } from "./tree.ts";
import type { Value } from "./values.ts";

/** What a program has besides the language's own names. */
export interface GlobalNames {
  /** Those that lead to tools, or to functions of the host: `github`, `tools`, `runs`. */
  readonly roots: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
}

export interface Evaluator {
  readonly tree: ProgramTree;
  readonly globals: GlobalNames;
  /** Names of methods that the program defines itself: they need not do what an array's method of that name does. */
  readonly ownMethods: ReadonlySet<string>;
  /** Names of properties that the program gives to some object. */
  readonly assigned: ReadonlySet<string>;
  /** Names of variables and properties that the program awaits. */
  readonly awaited: ReadonlySet<string>;
  /** Of an expression; nothing is known of what is no expression. */
  of(node: SyntaxNode | null | undefined): Value;
  ofBinding(binding: Binding): Value;
  /** Of a parameter of a function, by its position. */
  ofArgument(callable: SyntaxNode, index: number): Value;
  /** What a function returns, before a promise is made of it. */
  ofReturn(callable: SyntaxNode): Value;
  /** What calling it gives; `call` is where. */
  ofCall(callable: Value, call: SyntaxNode): Value;
}
