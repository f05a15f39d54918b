/**
 * Babel's parser as this compiler uses it: the author's own text, with top-level `await` and `return`, always as strict
 * code. Refuses text that would break out of the wrapping function.
 */
import { type ParserOptions, parse, parseExpression } from "@babel/parser";

export type Program = ReturnType<typeof parse>["program"];
export type Statement = Program["body"][number];
export type Expression = Extract<Statement, { type: "ExpressionStatement" }>["expression"];
export type FunctionNode =
  | Extract<Expression, { type: "ArrowFunctionExpression" | "FunctionExpression" }>
  | Extract<Statement, { type: "FunctionDeclaration" }>
  | Extract<ObjectMember, { type: "ObjectMethod" }>;
export type FunctionParameter = FunctionNode["params"][number];
type ObjectMember = Extract<Expression, { type: "ObjectExpression" }>["properties"][number];
type ImportSpecifier = Extract<Statement, { type: "ImportDeclaration" }>["specifiers"][number];
type ExportSpecifier = Extract<Statement, { type: "ExportNamedDeclaration" }>["specifiers"][number];
type ClassMember = Extract<Statement, { type: "ClassDeclaration" }>["body"]["body"][number];
type CatchClause = NonNullable<Extract<Statement, { type: "TryStatement" }>["handler"]>;
type Declarator = Extract<Statement, { type: "VariableDeclaration" }>["declarations"][number];

/** The nodes that this compiler handles by name. Others exist and are walked through. */
export type SyntaxNode =
  | Program
  | Statement
  | Expression
  | ObjectMember
  | FunctionParameter
  | ImportSpecifier
  | ExportSpecifier
  | ClassMember
  | CatchClause
  | Declarator;

export interface SyntaxFault {
  readonly kind: "syntax" | "too-deep";
  readonly message: string;
  readonly offset: number;
  /** Babel's name for the fault, for hints. */
  readonly reason: string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly node: T }
  | { readonly ok: false; readonly fault: SyntaxFault };

const OPTIONS: ParserOptions = {
  sourceType: "module",
  allowReturnOutsideFunction: true,
  allowAwaitOutsideFunction: true,
  allowUndeclaredExports: true,
  attachComment: false,
};
const TYPESCRIPT: ParserOptions = { ...OPTIONS, plugins: ["typescript"] };
const JSX: ParserOptions = { ...OPTIONS, plugins: ["typescript", "jsx"] };

/** Parses as TypeScript, else as JavaScript: the few texts that are only valid JavaScript are programs too. */
export function parseProgram(text: string): Parsed<Program> {
  const typescript = attempt(() => parse(text, TYPESCRIPT).program);
  if (typescript.ok) return typescript;
  const javascript = attempt(() => parse(text, OPTIONS).program);
  return javascript.ok ? javascript : typescript;
}

/** Offsets of the node are those of `text`, which may contain only the expression and blanks. */
export function parseWholeExpression(text: string): Parsed<Expression> {
  return attempt(() => parseExpression(text, TYPESCRIPT));
}

/** Whether the text would be a program if JSX were allowed. */
export function parsesAsJsx(text: string): boolean {
  return attempt(() => parse(text, JSX)).ok;
}

function attempt<T>(run: () => T): Parsed<T> {
  try {
    return { ok: true, node: run() };
  } catch (error) {
    return { ok: false, fault: faultOf(error) };
  }
}

function faultOf(error: unknown): SyntaxFault {
  // The parser recurses; a stack overflow is its harmless way to report "too deep".
  if (error instanceof RangeError)
    return { kind: "too-deep", message: "The program is nested too deeply to parse.", offset: 0, reason: "" };
  if (!(error instanceof SyntaxError)) throw error;
  const { pos, reasonCode } = error as SyntaxError & {
    readonly pos?: unknown;
    readonly reasonCode?: unknown;
  };
  return {
    kind: "syntax",
    message: error.message.replace(/ \(\d+:\d+\)$/, ""),
    offset: typeof pos === "number" ? pos : 0,
    reason: typeof reasonCode === "string" ? reasonCode : "",
  };
}

/** Whether a value in the tree is a node. Its type may be one that `SyntaxNode` does not list. */
export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "start" in value &&
    typeof value.start === "number"
  );
}

/** A field that only some nodes have. */
export function fieldOf(node: SyntaxNode, field: string): unknown {
  return Reflect.get(node, field);
}

/** A node and everything below it, in no particular order. */
export function* nodesOf(root: SyntaxNode): Generator<SyntaxNode> {
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    yield node;
    for (const { node: child } of childrenOf(node)) stack.push(child);
  }
}

/**
 * The direct children of a node, each with the field that holds it. Skips private names: the `total` of `#total` is not
 * a variable.
 */
export function* childrenOf(
  node: SyntaxNode,
): Generator<{ readonly node: SyntaxNode; readonly field: string }> {
  if ((node.type as string) === "PrivateName") return;
  for (const [field, value] of Object.entries(node)) {
    if (field === "loc" || field === "extra") continue;
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) yield { node: item, field };
  }
}

/** Babel types offsets as optional; a parsed node always has them. */
export function startOf(node: SyntaxNode): number {
  return node.start ?? 0;
}

export function endOf(node: SyntaxNode): number {
  return node.end ?? 0;
}

/** An expression without the type assertions around it. Babel makes no node for parentheses. */
export function withoutAssertions(node: Expression): Expression {
  let inner = node;
  while (
    inner.type === "TSAsExpression" ||
    inner.type === "TSSatisfiesExpression" ||
    inner.type === "TSNonNullExpression" ||
    inner.type === "TSTypeAssertion"
  )
    inner = inner.expression;
  return inner;
}

export function isFunction(
  node: Expression | null | undefined,
): node is Extract<Expression, { type: "ArrowFunctionExpression" | "FunctionExpression" }> {
  return node?.type === "ArrowFunctionExpression" || node?.type === "FunctionExpression";
}
