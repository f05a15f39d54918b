/** Finds the function that a program means to be called, when it declares functions and calls none. */
import {
  endOf,
  type FunctionNode,
  isFunction,
  type Statement,
  startOf,
  withoutAssertions,
} from "../syntax/parse.ts";

export interface TopLevelFunction {
  readonly name: string;
  readonly node: FunctionNode;
  readonly statement: Statement;
}

/** Functions that the statements themselves declare: `function f() {}` and `const f = () => …`. */
export function functionsOf(statements: readonly Statement[]): readonly TopLevelFunction[] {
  return statements.flatMap((statement): readonly TopLevelFunction[] => {
    if (statement.type === "FunctionDeclaration" && statement.id)
      return [{ name: statement.id.name, node: statement, statement }];
    if (statement.type !== "VariableDeclaration") return [];
    return statement.declarations.flatMap(({ id, init }) => {
      const value = init ? withoutAssertions(init) : null;
      return id.type === "Identifier" && isFunction(value) ? [{ name: id.name, node: value, statement }] : [];
    });
  });
}

/** True when the statements only declare: no call, no await, no possible effect. */
export function isDeclarationOnly(statements: readonly Statement[]): boolean {
  return statements.every((statement) => {
    switch (statement.type) {
      case "FunctionDeclaration":
      case "ClassDeclaration":
      case "TSEnumDeclaration":
        return true;
      case "VariableDeclaration":
        return statement.declarations.every(({ init }) => !init || INERT.has(withoutAssertions(init).type));
      default:
        return false;
    }
  });
}

const INERT: ReadonlySet<string> = new Set([
  "ArrowFunctionExpression",
  "FunctionExpression",
  "ClassExpression",
  "StringLiteral",
  "NumericLiteral",
  "BooleanLiteral",
  "NullLiteral",
  "BigIntLiteral",
  "RegExpLiteral",
  "ObjectExpression",
  "ArrayExpression",
  "TemplateLiteral",
  "UnaryExpression",
  "Identifier",
]);

export interface EntrySearch {
  readonly uses: ReadonlyMap<string, readonly number[]>;
  readonly exported: ReadonlySet<string>;
  /** `export { main }` names a function but does not use it. */
  readonly exportLists: readonly Statement[];
  /** Whether the parameters of a function can be filled. */
  readonly canCall: (fn: FunctionNode) => boolean;
}

/**
 * The function to call: the only one, else an uncalled `main`, else the only exported one, else the one that nothing
 * uses while every other function is used, if it can be called. Undefined when the program does more than declare, or
 * when two functions would qualify.
 */
export function findEntry(
  statements: readonly Statement[],
  { uses, exported, exportLists, canCall }: EntrySearch,
): TopLevelFunction | undefined {
  const functions = functionsOf(statements);
  if (statements.length === 1) return functions.length === 1 ? functions[0] : undefined;
  const unused = functions.filter((fn) => !isUsedOutside(fn.name, [fn.statement, ...exportLists], uses));
  const main = unused.find(({ name }) => name === "main");
  if (main !== undefined) return main;
  const offered = unused.filter(({ name }) => exported.has(name));
  if (offered.length === 1) return offered[0];
  const [only] = unused;
  const isEntry = unused.length === 1 && only !== undefined && isDeclarationOnly(statements);
  return isEntry && canCall(only.node) ? only : undefined;
}

function isUsedOutside(
  name: string,
  statements: readonly Statement[],
  uses: ReadonlyMap<string, readonly number[]>,
): boolean {
  return (uses.get(name) ?? []).some((offset) => !statements.some((statement) => holds(statement, offset)));
}

function holds(statement: Statement, offset: number): boolean {
  return startOf(statement) <= offset && offset < endOf(statement);
}

/** Whether the program, outside of its other functions, calls a function or passes it to code that may call it. */
export function isCalledByProgram(
  name: string,
  {
    statement: declared,
    statements,
    uses,
    text,
  }: {
    readonly statement: Statement;
    readonly statements: readonly Statement[];
    readonly uses: ReadonlyMap<string, readonly number[]>;
    readonly text: string;
  },
): boolean {
  const active = statements.filter(
    (statement) => statement !== declared && functionsOf([statement]).length === 0,
  );
  return (uses.get(name) ?? []).some(
    (offset) =>
      active.some((statement) => holds(statement, offset)) &&
      !PROPERTY.test(text.slice(offset + name.length)),
  );
}

/** `main.timeout = 5` calls nothing. */
const PROPERTY = /^\s*\.\s*(?!(?:call|apply|bind)\b)[\w$]/;
