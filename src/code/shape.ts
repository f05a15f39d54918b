/**
 * What a program's statements mean as the body of one async function, above all which of them yields the result.
 * The rule is never to guess: whatever could run the wrong thing is refused, and every repair leaves a note.
 */
import { RETURNS_NOTHING } from "./diagnostics.ts";
import { append, type Draft, newDraft, note, wrap } from "./draft.ts";
import { findEntry, functionsOf, isDeclarationOnly } from "./entry.ts";
import type { Inspection, Remark } from "./inspect.ts";
import {
  type DefaultExport,
  declarationOf,
  isDefaultExport,
  isRunning,
  removeModuleSyntax,
  type ShapeRefusal,
} from "./module-syntax.ts";
import {
  type Expression,
  isFunction,
  type Program,
  type Statement,
  startOf,
  withoutAssertions,
} from "./parse.ts";
import type { Insertion } from "./source-text.ts";

export type Shape =
  | {
      readonly ok: true;
      readonly blanks: readonly (readonly [start: number, end: number])[];
      readonly insertions: readonly Insertion[];
      readonly notes: readonly Remark[];
      /** False when there is nothing to run. */
      readonly runs: boolean;
    }
  | ShapeRefusal;

/** Decides how `program`, parsed from `text`, is run. Offsets are those of `text`. */
export function shapeProgram(
  text: string,
  program: Program,
  inspection: Inspection,
  globals: readonly string[],
): Shape {
  const draft = newDraft(text);
  for (const statement of program.body) {
    const refusal = removeModuleSyntax(draft, statement, inspection, globals);
    if (refusal !== undefined) return refusal;
  }
  const running = program.body.map(declarationOf).filter(isRunning);
  const exported = program.body.find(isDefaultExport);
  const last = running.at(-1);
  if (exported !== undefined) returnExport(draft, exported, running);
  else if (last === undefined) return shapeWithoutStatements(draft, program);
  else if (program.body.length === 1 && isObjectLookalike(last)) wrap(draft, last, "return (", ")");
  else if (last.type === "ExpressionStatement") returnExpression(draft, last, running);
  else callEntry(draft, running, last, inspection);
  return { ok: true, ...draft, runs: true };
}

/** Only directives, comments and types are left. A lone string looks like a directive and is a value. */
function shapeWithoutStatements(draft: Draft, program: Program): Shape {
  const directive = program.directives.at(-1);
  if (directive !== undefined && !/^use (?:strict|asm|client|server)$/.test(directive.value.value)) {
    draft.insertions.push({ at: directive.start ?? 0, text: "return " });
    return { ok: true, ...draft, runs: true };
  }
  const message = "There is nothing to run: the program has no statements.";
  draft.notes.push({ severity: "note", message, offset: 0 });
  return { ok: true, ...draft, runs: false };
}

function returnExport(draft: Draft, exported: DefaultExport, running: readonly Statement[]): void {
  const start = startOf(exported);
  const keyword = /^export(?:\s|\/\*[\s\S]*?\*\/)*(?:default\b|=)/.exec(draft.text.slice(start))?.[0] ?? "";
  draft.blanks.push([start, start + keyword.length]);
  const exports = exported.type === "ExportDefaultDeclaration" ? exported.declaration : exported.expression;
  switch (exports.type) {
    case "TSDeclareFunction":
    case "FunctionDeclaration":
    case "ClassDeclaration": {
      const call = exports.type === "FunctionDeclaration" ? "()" : "";
      if (exports.id) append(draft, `return ${exports.id.name}${call};`, exported);
      else returnStatement(draft, exported, running, call);
      break;
    }
    default:
      returnStatement(draft, exported, running, callOf(exports, running));
  }
}

/** What follows a value that is the result: a function is called, also one that is only named. */
function callOf(value: Expression, running: readonly Statement[]): "" | "()" {
  const inner = withoutAssertions(value);
  if (isFunction(inner)) return "()";
  if (inner.type !== "Identifier") return "";
  return functionsOf(running).some(({ name }) => name === inner.name) ? "()" : "";
}

/** The statement's text is the result. What stands after it may be needed by it, so it is returned at the end. */
function returnStatement(
  draft: Draft,
  statement: Statement,
  running: readonly Statement[],
  call: "" | "()",
): void {
  if (running.at(-1) === statement) {
    wrap(draft, statement, "return (", `)${call}`);
    return;
  }
  let name = "__result";
  while (draft.text.includes(name)) name += "_";
  wrap(draft, statement, `const ${name} = (`, ")");
  append(draft, `return ${name}${call};`, statement);
}

/** `{ a: 1 }` parses as a block with a label; no program is only that. */
function isObjectLookalike(statement: Statement): boolean {
  return (
    statement.type === "BlockStatement" &&
    statement.body.length > 0 &&
    statement.body.every(
      (inner) => inner.type === "LabeledStatement" && inner.body.type === "ExpressionStatement",
    )
  );
}

function returnExpression(
  draft: Draft,
  statement: Extract<Statement, { type: "ExpressionStatement" }>,
  running: readonly Statement[],
): void {
  const value = withoutAssertions(statement.expression);
  const exported = moduleExport(value);
  if (exported !== undefined) {
    const start = startOf(statement);
    const target = /^(?:module\s*\.\s*)?exports(?:\s*\.\s*default)?\s*=/.exec(draft.text.slice(start));
    if (target !== null) draft.blanks.push([start, start + target[0].length]);
  }
  if (isForEach(value))
    note(draft, `${RETURNS_NOTHING} forEach gives no value. Use map, or add a return statement.`, statement);
  const call = exported === undefined ? (isFunction(value) ? "()" : "") : callOf(exported, running);
  wrap(draft, statement, "return (", `)${call}`);
}

function isForEach(value: Expression): boolean {
  if (value.type !== "CallExpression" || value.callee.type !== "MemberExpression") return false;
  const { property, computed } = value.callee;
  return !computed && property.type === "Identifier" && property.name === "forEach";
}

/** The right side of `module.exports = …` and `exports.default = …`. */
function moduleExport(value: Expression): Expression | undefined {
  if (value.type !== "AssignmentExpression" || value.operator !== "=") return undefined;
  const { left, right } = value;
  if (left.type !== "MemberExpression" || left.computed) return undefined;
  if (left.object.type !== "Identifier" || left.property.type !== "Identifier") return undefined;
  const target = `${left.object.name}.${left.property.name}`;
  return target === "module.exports" || target === "exports.default" ? right : undefined;
}

function callEntry(
  draft: Draft,
  running: readonly Statement[],
  last: Statement,
  inspection: Inspection,
): void {
  const entry = findEntry(running, inspection.uses);
  if (entry === undefined) {
    noteMissingReturn(draft, running, last);
    return;
  }
  if (running.length > 1)
    note(draft, `${entry.name} was called: the program declared it and never did.`, entry.statement);
  append(draft, `return ${entry.name}();`, entry.statement);
}

function noteMissingReturn(draft: Draft, running: readonly Statement[], last: Statement): void {
  if (last.type === "ThrowStatement" || running.some(returnsInside)) return;
  const functions = functionsOf(running);
  const [first] = functions;
  if (first !== undefined && isDeclarationOnly(running)) {
    const names = functions.map(({ name }) => name).join(", ");
    note(draft, `Functions are declared and never called: ${names}.`, first.statement);
    return;
  }
  const named = last.type === "VariableDeclaration" ? last.declarations.at(-1)?.id : undefined;
  const advice = named?.type === "Identifier" ? `add \`return ${named.name}\`` : "add a return statement";
  note(draft, `${RETURNS_NOTHING} ${advice} to see a result.`, last);
}

/** Whether a `return` of the program itself stands somewhere in a statement, functions left out. */
function returnsInside(statement: Statement | null | undefined): boolean {
  switch (statement?.type) {
    case "ReturnStatement":
      return true;
    case "BlockStatement":
      return statement.body.some(returnsInside);
    case "IfStatement":
      return returnsInside(statement.consequent) || returnsInside(statement.alternate);
    case "TryStatement":
      return [statement.block, statement.handler?.body, statement.finalizer].some(returnsInside);
    case "SwitchStatement":
      return statement.cases.some(({ consequent }) => consequent.some(returnsInside));
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
    case "LabeledStatement":
      return returnsInside(statement.body);
    default:
      return false;
  }
}
