/** Which function a program means to be called, when it declares functions and calls none. */
import { endOf, isFunction, type Statement, startOf } from "./parse.ts";

export interface TopLevelFunction {
  readonly name: string;
  readonly parameters: number;
  readonly statement: Statement;
}

/** Functions declared by the statements themselves: `function f() {}` and `const f = () => …`. */
export function functionsOf(statements: readonly Statement[]): readonly TopLevelFunction[] {
  return statements.flatMap((statement): readonly TopLevelFunction[] => {
    if (statement.type === "FunctionDeclaration" && statement.id)
      return [{ name: statement.id.name, parameters: statement.params.length, statement }];
    if (statement.type !== "VariableDeclaration") return [];
    return statement.declarations.flatMap(({ id, init }) =>
      id.type === "Identifier" && isFunction(init)
        ? [{ name: id.name, parameters: init.params.length, statement }]
        : [],
    );
  });
}

/** True when the statements do nothing but declare: no call, no await, nothing that could have an effect. */
export function isDeclarationOnly(statements: readonly Statement[]): boolean {
  return statements.every((statement) => {
    switch (statement.type) {
      case "FunctionDeclaration":
      case "ClassDeclaration":
      case "TSEnumDeclaration":
        return true;
      case "VariableDeclaration":
        return statement.declarations.every(({ init }) => !init || INERT.has(init.type));
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

/**
 * The function to call: the only one there is, else an uncalled `main`, else the one function without parameters
 * that nothing uses while every other function is used. Undefined when the program does something besides declaring,
 * or when two functions would fit.
 */
export function findEntry(
  statements: readonly Statement[],
  uses: ReadonlyMap<string, readonly number[]>,
): TopLevelFunction | undefined {
  const functions = functionsOf(statements);
  if (statements.length === 1) return functions.length === 1 ? functions[0] : undefined;
  const unused = functions.filter(
    ({ name, statement }) =>
      !(uses.get(name) ?? []).some((offset) => offset < startOf(statement) || offset >= endOf(statement)),
  );
  const main = unused.find(({ name }) => name === "main");
  if (main !== undefined) return main;
  const [only] = unused;
  return unused.length === 1 && only?.parameters === 0 && isDeclarationOnly(statements) ? only : undefined;
}
