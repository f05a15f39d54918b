/**
 * Reads the syntax tree without types: whether it is TypeScript, the tool calls, the used names, and certain mistakes
 * or losses.
 */

import type { HiddenTool } from "../lint/hidden-tools.ts";
import { lint } from "../lint/lint.ts";
import { readTree, resolve } from "../lint/program-tree.ts";
import type { Parents } from "../lint/tree.ts";
import { NO_IMPORT, sayAbsent, wayOut } from "../syntax/absent-names.ts";
import { callingNames, environmentNames } from "../syntax/environment-names.ts";
import { type Expression, fieldOf, type Program, type SyntaxNode, startOf } from "../syntax/parse.ts";
import { distinct, type ReferenceInText, referenceOf } from "../syntax/references.ts";
import type { Remark } from "../syntax/remark.ts";

export interface Inspection {
  /** True when some syntax is TypeScript only and must be removed before the program can run. */
  readonly typescript: boolean;
  /** Offsets of every use of a name as a value, declarations excluded. */
  readonly uses: ReadonlyMap<string, readonly number[]>;
  readonly toolReferences: readonly ReferenceInText[];
  readonly warnings: readonly Remark[];
  /** The globals that lead to tools the program may use. */
  readonly toolNames: readonly string[];
  /** Variables used like the server or tool whose name they have. */
  readonly shadowed: readonly HiddenTool[];
}

/** Calls on these stay inside the program. */
const ENVIRONMENT: ReadonlySet<string> = new Set(
  environmentNames.filter((name) => !callingNames.includes(name)),
);

/** The names of `globals` that lead to tools, in their order, for messages. */
export function toolGlobals(globals: readonly string[]): readonly string[] {
  return globals.filter((name) => !environmentNames.includes(name));
}

/**
 * Walks a program, or an expression that is one, once. `globals` are the program's names besides the language's own.
 */
export function inspectProgram(
  root: Program | Expression,
  globals: readonly string[],
  hidden: readonly string[] = [],
): Inspection {
  const roots = new Set(globals.filter((name) => !ENVIRONMENT.has(name)));
  const known = new Set(globals);
  const toolNames = toolGlobals(globals).filter((name) => !hidden.includes(name));
  const uses = new Map<string, number[]>();
  const calls: ReferenceInText[] = [];
  const warnings: Remark[] = [];
  const statements = root.type === "Program" ? root.body : [];
  const last = statements.findLast((statement) => statement.type !== "EmptyStatement");
  const absent: AbsentUse[] = [];
  let typescript = false;

  const tree = readTree(root);
  for (const { node, key, parents, scope } of tree.places) {
    typescript ||= isTypeScript(node);
    if (isUse(node, key, parents)) {
      const found = uses.get(node.name);
      if (found) found.push(startOf(node));
      else uses.set(node.name, [startOf(node)]);
      const instead = wayOut(node.name);
      if (instead !== undefined && !known.has(node.name) && resolve(node.name, scope) === undefined)
        absent.push({ name: node.name, instead, offset: startOf(node), isProbe: isProbe(parents) });
    }
    if (node.type === "CallExpression" || node.type === "OptionalCallExpression") {
      if (node.callee.type === "Import")
        warnings.push({ severity: "error", message: sayImport(node, toolNames), offset: startOf(node) });
      const reference = referenceOf(node.callee as Expression);
      if (reference !== undefined && roots.has(reference.root) && !resolve(reference.root, scope))
        calls.push({ ...reference, offset: startOf(node) });
    }
  }
  const findings = lint(tree, { roots, all: known }, last);
  return {
    typescript,
    toolNames,
    uses,
    toolReferences: distinct(calls.toSorted((a, b) => a.offset - b.offset)),
    warnings: [...warnings, ...findings.remarks, ...sayAbsentUses(absent)]
      .toSorted((a, b) => a.offset - b.offset)
      .slice(0, MAX_WARNINGS),
    shadowed: findings.hidden,
  };
}

function sayImport(node: SyntaxNode, toolNames: readonly string[]): string {
  const [from] = fieldOf(node, "arguments") as readonly SyntaxNode[];
  const name = from?.type === "StringLiteral" ? from.value : "";
  return toolNames.includes(name)
    ? `import() does not work here. ${name} is a global: use it as it is.`
    : NO_IMPORT;
}

const MAX_WARNINGS = 20;

interface AbsentUse {
  readonly name: string;
  readonly instead: string;
  readonly offset: number;
  /** Only its `typeof` is asked. */
  readonly isProbe: boolean;
}

function isProbe(parents: Parents | null): boolean {
  return parents?.node.type === "UnaryExpression" && parents.node.operator === "typeof";
}

/** A program that tests whether the name exists is prepared for its absence. */
function sayAbsentUses(uses: readonly AbsentUse[]): readonly Remark[] {
  const probed = new Set(uses.filter((use) => use.isProbe).map(({ name }) => name));
  return uses
    .filter((use) => !use.isProbe)
    .map(({ name, instead, offset }) => ({
      severity: probed.has(name) ? "warning" : "error",
      message: sayAbsent(name, instead),
      offset,
    }));
}

const MODIFIERS = ["accessibility", "abstract", "declare", "readonly", "override", "definite"] as const;

function isTypeScript(node: SyntaxNode): boolean {
  // The union does not list every node that Babel makes, so the type is read as text.
  const type: string = node.type;
  if (type.startsWith("TS")) return true;
  if (MODIFIERS.some((modifier) => fieldOf(node, modifier))) return true;
  return fieldOf(node, "optional") === true && !type.startsWith("Optional");
}

function isUse(
  node: SyntaxNode,
  key: string,
  parents: Parents | null,
): node is Extract<Expression, { type: "Identifier" }> {
  if (node.type !== "Identifier" || parents === null) return false;
  const parent = parents.node;
  const parentType: string = parent.type;
  if (parentType.startsWith("TS")) return key === "expression";
  switch (parent.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return key === "object" || parent.computed;
    case "ObjectProperty":
      return key === "value" || parent.computed;
    case "VariableDeclarator":
      return key === "init";
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return key === "body";
    case "ClassDeclaration":
    case "ClassExpression":
      return key === "superClass";
    case "ImportSpecifier":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "CatchClause":
    case "RestElement":
      return false;
    case "AssignmentPattern":
      return key === "right";
    case "ObjectMethod":
      return parent.computed && key === "key";
    default:
      return !(parentType.startsWith("Class") && key === "key");
  }
}
