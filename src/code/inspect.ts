/**
 * What the syntax tree says without types: is it TypeScript, which tools are called, which names are used, and calls
 * whose result is a promise nobody awaits.
 */
import { NO_IMPORT, sayAbsent, wayOut } from "./absent-names.ts";
import { callingNames, environmentNames } from "./environment-names.ts";
import { childrenOf, type Expression, fieldOf, type Program, type SyntaxNode, startOf } from "./parse.ts";
import { type Parents, promiseFault } from "./promise-lint.ts";
import { distinct, type ReferenceInText, referenceOf, writeReference } from "./references.ts";
import { declaredIn, opensScope } from "./scopes.ts";

export interface Remark {
  /** `error`: of a program that is checked, it is a reason not to run it. */
  readonly severity: "error" | "warning" | "note";
  readonly message: string;
  /** Offset in the text that was inspected. */
  readonly offset: number;
}

export interface Inspection {
  /** True when some syntax is TypeScript's and must be removed before the program can run. */
  readonly typescript: boolean;
  /** Offsets of every use of a name as a value, declarations excluded. */
  readonly uses: ReadonlyMap<string, readonly number[]>;
  readonly toolReferences: readonly ReferenceInText[];
  readonly warnings: readonly Remark[];
  /** The globals that lead to tools it may use. */
  readonly toolNames: readonly string[];
}

/** What is called on these stays in the program. */
const ENVIRONMENT: ReadonlySet<string> = new Set(
  environmentNames.filter((name) => !callingNames.includes(name)),
);

/** The names of `globals` that lead to tools, in their order, for messages. */
export function toolGlobals(globals: readonly string[]): readonly string[] {
  return globals.filter((name) => !environmentNames.includes(name));
}

interface Scope {
  readonly names: ReadonlySet<string>;
  readonly outer: Scope | null;
}

interface Visit {
  readonly node: SyntaxNode;
  readonly key: string;
  readonly parents: Parents | null;
  readonly scope: Scope;
}

/** Walks a program, or an expression that is one, once. `globals` are the names a program has besides the language's own. */
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

  // An explicit stack: a long chain of operators is a deep tree, and no reason to fail.
  const stack: Visit[] = [{ node: root, key: "", parents: null, scope: { names: new Set(), outer: null } }];
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    const { node, key, parents } = visit;
    typescript ||= isTypeScript(node);
    const scope = opensScope(node) ? { names: declaredIn(node), outer: visit.scope } : visit.scope;
    if (isUse(node, key, parents)) {
      const found = uses.get(node.name);
      if (found) found.push(startOf(node));
      else uses.set(node.name, [startOf(node)]);
      const instead = wayOut(node.name);
      if (instead !== undefined && !known.has(node.name) && !isDeclared(node.name, scope))
        absent.push({ name: node.name, instead, offset: startOf(node), isProbe: isProbe(parents) });
    }
    if (node.type === "CallExpression" || node.type === "OptionalCallExpression") {
      if (node.callee.type === "Import")
        warnings.push({ severity: "error", message: sayImport(node, toolNames), offset: startOf(node) });
      const reference = referenceOf(node.callee as Expression);
      if (reference !== undefined && roots.has(reference.root) && !isDeclared(reference.root, scope)) {
        calls.push({ ...reference, offset: startOf(node) });
        const fault = promiseFault(node, key, parents, last);
        if (fault !== undefined)
          warnings.push({
            severity: "warning",
            message: `${writeReference(reference)}(…) ${fault}`,
            offset: startOf(node),
          });
      }
    }
    pushChildren(stack, node, parents, key, scope);
  }
  return {
    typescript,
    toolNames,
    uses,
    toolReferences: distinct(calls.toSorted((a, b) => a.offset - b.offset)),
    warnings: [...warnings, ...sayAbsentUses(absent)]
      .toSorted((a, b) => a.offset - b.offset)
      .slice(0, MAX_WARNINGS),
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
  /** It is only asked for its `typeof`. */
  readonly isProbe: boolean;
}

function isProbe(parents: Parents | null): boolean {
  return parents?.node.type === "UnaryExpression" && parents.node.operator === "typeof";
}

/** A program that asks whether the name is there has thought of it. */
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

function pushChildren(
  stack: Visit[],
  node: SyntaxNode,
  parents: Parents | null,
  key: string,
  scope: Scope,
): void {
  const chain: Parents = { node, key, outer: parents };
  for (const child of childrenOf(node))
    stack.push({ node: child.node, key: child.field, parents: chain, scope });
}

function isDeclared(name: string, scope: Scope): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

const MODIFIERS = ["accessibility", "abstract", "declare", "readonly", "override", "definite"] as const;

function isTypeScript(node: SyntaxNode): boolean {
  // The union does not list every node Babel makes, so its name is read as text.
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
