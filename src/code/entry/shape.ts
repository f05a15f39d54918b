/**
 * Shapes a program's statements into the body of one async function; above all it decides which of them yields the
 * result. The rule is never to guess: a text that could run the wrong way is refused, and every repair leaves a note.
 */

import {
  type Expression,
  endOf,
  type FunctionNode,
  isFunction,
  type Program,
  type Statement,
  startOf,
  withoutAssertions,
} from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import type { Insertion } from "../syntax/source-text.ts";
import { callText } from "./call-entry.ts";
import { append, type Draft, drop, newDraft, note, wrap } from "./draft.ts";
import { findEntry, isCalledByProgram } from "./entry.ts";
import {
  type ExportedFunction,
  type ExportOfValue,
  exportedFunction,
  exportedNames,
  exportPrefix,
  findExport,
  functionNamed,
  isExportList,
} from "./exports.ts";
import type { Rewrite } from "./given-names.ts";
import type { Inspection } from "./inspect.ts";
import { noteForEach, noteMissingReturn } from "./missing-return.ts";
import { declarationOf, isRunning, removeModuleSyntax, type ShapeRefusal } from "./module-syntax.ts";
import type { ParameterContext } from "./parameter-values.ts";
import { fillParameters } from "./parameters.ts";

export interface Shaped {
  readonly ok: true;
  readonly blanks: readonly (readonly [start: number, end: number])[];
  readonly insertions: readonly Insertion[];
  readonly notes: readonly Remark[];
  /** Set when the program must be parsed again with these ranges replaced. */
  readonly rewrites: readonly Rewrite[];
  /** False when there is nothing to run. */
  readonly runs: boolean;
}

export type Shape = Shaped | ShapeRefusal;

/** Decides how `program`, parsed from `context.text`, is run. Offsets are those of the text. */
export function shapeProgram(program: Program, inspection: Inspection, context: ParameterContext): Shape {
  const draft = newDraft(context);
  for (const statement of program.body) {
    const refusal = removeModuleSyntax(draft, statement, inspection, context.globals);
    if (refusal !== undefined) return refusal;
  }
  const exported = findExport(program.body);
  if (exported === undefined) return shapeStatements(draft, program, program.body, inspection);
  const running = program.body.map(declarationOf).filter(isRunning);
  const target = exportedFunction(exported, running);
  if (target !== undefined && isCalled(target, exported, running, context))
    return shapeStatements(draft, program, withoutExport(draft, exported, program), inspection);
  returnExport(draft, exported, running, target);
  return { ok: true, ...draft, runs: true };
}

/** For text that is one expression rather than a program: an anonymous function, an object. */
export function shapeExpression(expression: Expression, context: ParameterContext): Shape {
  const draft = newDraft(context);
  const value = withoutAssertions(expression);
  const call = isFunction(value) ? callText(draft, value) : "";
  draft.insertions.push({ at: startOf(expression), text: "return (" });
  draft.insertions.push({ at: endOf(expression), text: `)${call};` });
  return { ok: true, ...draft, runs: true };
}

function shapeStatements(
  draft: Draft,
  program: Program,
  statements: readonly Statement[],
  inspection: Inspection,
): Shape {
  const running = statements.map(declarationOf).filter(isRunning);
  const last = running.at(-1);
  if (last === undefined) return shapeWithoutStatements(draft, program);
  if (program.body.length === 1 && isObjectLookalike(last)) wrap(draft, last, "return (", ")");
  else if (last.type === "ExpressionStatement") returnExpression(draft, last, running);
  else if (last.type === "ReturnStatement") callReturned(draft, last, running);
  else callEntry(draft, running, last, inspection, statements);
  return { ok: true, ...draft, runs: true };
}

/** For text with only directives, comments and types. A lone string looks like a directive but is a value. */
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

/** Whether the program calls the function itself: then it is not called again. */
function isCalled(
  { name, statement }: ExportedFunction,
  exported: ExportOfValue,
  running: readonly Statement[],
  { uses, text }: ParameterContext,
): boolean {
  const others = running.filter((other) => other !== exported);
  return name !== undefined && isCalledByProgram(name, { statement, statements: others, uses, text });
}

/** The program's statements when its export is not different from any other function. */
function withoutExport(draft: Draft, exported: ExportOfValue, { body }: Program): readonly Statement[] {
  if (exported.type === "ExportDefaultDeclaration" && exported.declaration.type === "FunctionDeclaration") {
    const { declaration } = exported;
    draft.blanks.push([...exportPrefix(exported, draft.text)]);
    return body.map((statement) => (statement === exported ? declaration : statement));
  }
  drop(draft, exported);
  return body.filter((statement) => statement !== exported);
}

function returnExport(
  draft: Draft,
  exported: ExportOfValue,
  running: readonly Statement[],
  target: ExportedFunction | undefined,
): void {
  draft.blanks.push([...exportPrefix(exported, draft.text)]);
  const call = target === undefined ? "" : `${target.member}${callText(draft, target.node)}`;
  const declared = exported.type === "ExportDefaultDeclaration" ? exported.declaration : undefined;
  switch (declared?.type) {
    case "TSDeclareFunction":
    case "FunctionDeclaration":
    case "ClassDeclaration":
      if (declared.id) append(draft, `return ${declared.id.name}${call};`, exported);
      else returnStatement(draft, exported, running, call);
      return;
    default:
      returnStatement(draft, exported, running, call);
  }
}

/** Makes the statement the result. Statements after it may affect the value, so it is returned at the end. */
function returnStatement(
  draft: Draft,
  statement: Statement,
  running: readonly Statement[],
  call: string,
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

/** `{ a: 1 }` parses as a block with a label; no program consists only of that. */
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
  noteForEach(draft, value, statement);
  const fn = functionNamed(value, running);
  wrap(draft, statement, "return (", `)${fn === undefined ? "" : callText(draft, fn)}`);
}

/** A function cannot be a result, so a returned function is called. */
function callReturned(
  draft: Draft,
  { argument }: Extract<Statement, { type: "ReturnStatement" }>,
  running: readonly Statement[],
): void {
  const fn = argument ? functionNamed(withoutAssertions(argument), running) : undefined;
  if (!argument || fn === undefined) return;
  draft.insertions.push({ at: startOf(argument), text: "(" });
  draft.insertions.push({ at: endOf(argument), text: `)${callText(draft, fn)}`, origin: startOf(argument) });
}

function callEntry(
  draft: Draft,
  running: readonly Statement[],
  last: Statement,
  { uses }: Inspection,
  statements: readonly Statement[],
): void {
  const canCall = (fn: FunctionNode): boolean => fillParameters(fn, draft.context).missing.length === 0;
  const exported = exportedNames(statements);
  const exportLists = statements.filter(isExportList);
  const entry = findEntry(running, { uses, exported, exportLists, canCall });
  if (entry === undefined) {
    noteMissingReturn(draft, running, last);
    return;
  }
  if (running.length > 1)
    note(draft, `${entry.name} was called: the program declared it and never did.`, entry.statement);
  append(draft, `return ${entry.name}${callText(draft, entry.node)};`, entry.statement);
}
