/** The names that a syntax node declares for its contents: enough to tell a tool from a variable of its name. */
import { fieldOf, isNode, type SyntaxNode } from "./parse.ts";

export function opensScope(node: SyntaxNode): boolean {
  return SCOPES.has(node.type);
}

const SCOPES: ReadonlySet<string> = new Set([
  "Program",
  "BlockStatement",
  "StaticBlock",
  "SwitchStatement",
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod",
  "ClassExpression",
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "CatchClause",
]);

/** `var` counts for its block: hoisting across blocks is not worth following here. */
export function declaredIn(scope: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  for (const field of ["params", "param"])
    for (const pattern of list(fieldOf(scope, field))) bind(pattern, names);
  if (scope.type === "FunctionExpression" || scope.type === "ClassExpression") bind(scope.id, names);
  for (const field of ["init", "left"]) declare(fieldOf(scope, field), names);
  for (const statement of list(fieldOf(scope, "body"))) declare(statement, names);
  if (scope.type === "SwitchStatement")
    for (const branch of scope.cases) for (const statement of branch.consequent) declare(statement, names);
  return names;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function declare(statement: unknown, names: Set<string>): void {
  if (!isNode(statement)) return;
  switch (statement.type) {
    case "VariableDeclaration":
      for (const declarator of statement.declarations) bind(declarator.id, names);
      return;
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
      bind(statement.id, names);
      return;
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      declare(statement.declaration, names);
      return;
    default:
  }
}

function bind(pattern: unknown, names: Set<string>): void {
  if (!isNode(pattern)) return;
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) bind(property, names);
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) bind(element, names);
      return;
    case "ObjectProperty":
      bind(pattern.value, names);
      return;
    case "RestElement":
      bind(pattern.argument, names);
      return;
    case "AssignmentPattern":
      bind(pattern.left, names);
      return;
    default:
  }
}
