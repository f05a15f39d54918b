/** The exports of a program, in all module styles: the value that is its result, and the functions it offers. */

import {
  type Expression,
  type FunctionNode,
  isFunction,
  type Statement,
  startOf,
  withoutAssertions,
} from "../syntax/parse.ts";
import { propertyName } from "../syntax/references.ts";
import { functionsOf } from "./entry.ts";
import { type DefaultExport, isDefaultExport } from "./module-syntax.ts";

/** `export default …`, `module.exports = …`: a statement that exports the program's one value. */
export type ExportOfValue = DefaultExport | Extract<Statement, { type: "ExpressionStatement" }>;

/** The last of a program's statements that export one value. */
export function findExport(statements: readonly Statement[]): ExportOfValue | undefined {
  const byModule = statements.find(isDefaultExport);
  if (byModule !== undefined) return byModule;
  const assigned = statements.filter((statement) => statement.type === "ExpressionStatement");
  const whole = assigned.findLast(({ expression }) => WHOLE.has(exportedName(expression) ?? ""));
  if (whole !== undefined) return whole;
  const named = assigned.filter(({ expression }) => exportedName(expression) !== undefined);
  const [only] = named;
  // `exports.handler = …` names one of several exports; a single function is the program.
  return named.length === 1 && only !== undefined && isFunction(exportedValue(only)) ? only : undefined;
}

const WHOLE: ReadonlySet<string> = new Set(["module.exports", "exports.default", "module.exports.default"]);

/** The left side of an assignment to the exports of a CommonJS module. */
function exportedName(expression: Expression): string | undefined {
  const value = withoutAssertions(expression);
  if (value.type !== "AssignmentExpression" || value.operator !== "=") return undefined;
  const path: string[] = [];
  let target: Expression = value.left as Expression;
  while (target.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
    path.unshift(target.property.name);
    target = target.object as Expression;
  }
  if (target.type !== "Identifier") return undefined;
  const name = [target.name, ...path].join(".");
  return /^(?:module\.exports(?:\.\w+)?|exports\.\w+)$/.test(name) ? name : undefined;
}

/** The exported expression; undefined for a declaration. */
function exportedValue(exported: ExportOfValue): Expression | undefined {
  switch (exported.type) {
    case "ExpressionStatement": {
      const value = withoutAssertions(exported.expression);
      return value.type === "AssignmentExpression" ? withoutAssertions(value.right) : undefined;
    }
    case "TSExportAssignment":
      return withoutAssertions(exported.expression);
    case "ExportDefaultDeclaration":
      switch (exported.declaration.type) {
        case "TSDeclareFunction":
        case "FunctionDeclaration":
        case "ClassDeclaration":
          return undefined;
        default:
          return withoutAssertions(exported.declaration);
      }
  }
}

export interface ExportedFunction {
  /** Undefined for a function without a name. */
  readonly name: string | undefined;
  readonly node: FunctionNode;
  readonly statement: Statement;
  /** The path from the exported value to the function: `["run"]` in an object, else nothing. */
  readonly member: string;
}

/** The exported function: the value itself, a function it names, or the only member of an object. */
export function exportedFunction(
  exported: ExportOfValue,
  running: readonly Statement[],
): ExportedFunction | undefined {
  const value = exportedValue(exported);
  const found = { name: undefined, statement: exported, member: "" };
  if (value === undefined) {
    const node = exported.type === "ExportDefaultDeclaration" ? exported.declaration : undefined;
    return node?.type === "FunctionDeclaration" ? { ...found, name: node.id?.name, node } : undefined;
  }
  if (value.type === "ObjectExpression") {
    const only = onlyMember(value, running);
    return only && { ...found, ...only };
  }
  const node = functionNamed(value, running);
  if (node === undefined) return undefined;
  const declared = functionsOf(running).find((fn) => fn.node === node);
  return { ...found, node, ...(declared && { name: declared.name, statement: declared.statement }) };
}

/** The function that a value is or names. */
export function functionNamed(value: Expression, running: readonly Statement[]): FunctionNode | undefined {
  if (isFunction(value)) return value;
  if (value.type !== "Identifier") return undefined;
  return functionsOf(running).find(({ name }) => name === value.name)?.node;
}

function onlyMember(
  { properties }: Extract<Expression, { type: "ObjectExpression" }>,
  running: readonly Statement[],
): Pick<ExportedFunction, "node" | "member" | "name"> | undefined {
  const [only] = properties;
  if (properties.length !== 1 || only === undefined || only.type === "SpreadElement") return undefined;
  const key = propertyName(only.key as Expression, only.computed);
  if (key === undefined) return undefined;
  const value = only.type === "ObjectMethod" ? undefined : withoutAssertions(only.value as Expression);
  const node = only.type === "ObjectMethod" ? only : value && functionNamed(value, running);
  const isCallable = node !== undefined && !(node.type === "ObjectMethod" && node.kind !== "method");
  if (!isCallable) return undefined;
  const name = value?.type === "Identifier" ? value.name : undefined;
  return { node, member: `[${JSON.stringify(key)}]`, name };
}

/** The range from the start of an export to the exported value. */
export function exportPrefix(exported: ExportOfValue, text: string): readonly [start: number, end: number] {
  const start = startOf(exported);
  const prefix = exported.type === "ExpressionStatement" ? ASSIGNMENT : KEYWORD;
  return [start, start + (prefix.exec(text.slice(start))?.[0].length ?? 0)];
}

const KEYWORD = /^export(?:\s|\/\*[\s\S]*?\*\/)*(?:default\b|=)/;
const ASSIGNMENT = /^(?:module\s*\.\s*)?exports(?:\s*\.\s*\w+)?\s*=/;

/** `export { a, b }`: it names things declared elsewhere. */
export function isExportList(statement: Statement): boolean {
  return statement.type === "ExportNamedDeclaration" && !statement.declaration && !statement.source;
}

/** Names that `export function`, `export const` and `export { … }` offer. */
export function exportedNames(statements: readonly Statement[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of statements) {
    if (statement.type !== "ExportNamedDeclaration" || statement.source) continue;
    const { declaration } = statement;
    if (declaration?.type === "FunctionDeclaration" && declaration.id) names.add(declaration.id.name);
    if (declaration?.type === "VariableDeclaration")
      for (const { id } of declaration.declarations) if (id.type === "Identifier") names.add(id.name);
    for (const specifier of statement.specifiers)
      if (specifier.type === "ExportSpecifier") names.add(specifier.local.name);
  }
  return names;
}
