/**
 * The arguments of the entry function: fields of `input` by name, servers and other globals by name, and all of `input`
 * for one parameter that is neither. Nothing is invented: a parameter that is used, has no default and cannot be filled
 * is reported as missing.
 */

import type { InputShape } from "../syntax/input-shape.ts";
import {
  type Expression,
  endOf,
  type FunctionNode,
  type FunctionParameter,
  fieldOf,
  type SyntaxNode,
  startOf,
} from "../syntax/parse.ts";
import { propertyName } from "../syntax/references.ts";
import type { Insertion } from "../syntax/source-text.ts";
import { fillContext } from "./context-object.ts";
import { copesWithout, isUsed, membersOf } from "./parameter-uses.ts";
import {
  entryText,
  type Fill,
  fieldText,
  knownValue,
  type Missing,
  type ParameterContext,
} from "./parameter-values.ts";

export interface Filling {
  /** The text between the parentheses of the call. */
  readonly args: string;
  /** Defaults added to the parameter list, so that their types are known. */
  readonly insertions: readonly Insertion[];
  readonly missing: readonly Missing[];
}

const NOTHING = { type: "nothing" } as const satisfies Fill;

export function fillParameters(fn: FunctionNode, context: ParameterContext): Filling {
  const parameters = parametersOf(fn);
  const fills = parameters.map((parameter) => fillOne(parameter, fn, context));
  const settled = settleOpen(fills, parameters, context.input);
  const args = settled.map((fill) => (fill.type === "value" ? fill.text : "undefined"));
  while (args.at(-1) === "undefined") args.pop();
  return {
    args: args.join(", "),
    insertions: settled.flatMap((fill) => (fill.type === "nothing" ? (fill.insertions ?? []) : [])),
    missing: settled.flatMap((fill) => (fill.type === "missing" ? fill.missing : [])),
  };
}

/** TypeScript's `this` parameter does not count. */
function parametersOf(fn: FunctionNode): readonly FunctionParameter[] {
  return fn.params.filter((parameter) => !(parameter.type === "Identifier" && parameter.name === "this"));
}

function fillOne(parameter: FunctionParameter, fn: FunctionNode, context: ParameterContext): Fill {
  const hasDefault = parameter.type === "AssignmentPattern" || fieldOf(parameter, "optional") === true;
  const target: SyntaxNode = parameter.type === "AssignmentPattern" ? parameter.left : parameter;
  switch (target.type) {
    case "Identifier":
      return fillName(target, hasDefault, fn, context);
    case "ObjectPattern": {
      const filled = fillPattern(target, fn, context);
      return hasDefault && filled.isEmpty ? NOTHING : filled.fill;
    }
    case "RestElement":
      return fillRest(target, fn, context);
    default:
      return { type: "open", name: sourceOf(target, context), offset: startOf(target), hasDefault };
  }
}

type Identifier = Extract<Expression, { type: "Identifier" }>;

function fillName(node: Identifier, hasDefault: boolean, fn: FunctionNode, context: ParameterContext): Fill {
  const { name } = node;
  const offset = startOf(node);
  const known = knownValue(name, context);
  if (known !== undefined) {
    if (known.text !== "input" || context.input.kind !== "null") return { type: "value", ...known };
    if (hasDefault) return NOTHING;
    return readsMembers(node, fn, context)
      ? { type: "missing", missing: [{ name, offset }] }
      : { type: "value", ...known };
  }
  if (!isUsed(name, offset, fn, context.uses)) return NOTHING;
  return (
    fillContext(node, hasDefault, fn, context) ?? {
      ...{ type: "open", name, offset },
      hasDefault: hasDefault || copesWithout(name, fn),
    }
  );
}

/** Reading a member of null throws; `input` is null when none was given. */
function readsMembers({ name, ...node }: Identifier, fn: FunctionNode, { uses }: ParameterContext): boolean {
  const { names } = membersOf(name, node.start ?? 0, fn, uses);
  return names.size > 0 && !copesWithout(name, fn);
}

type ObjectPattern = Extract<FunctionParameter, { type: "ObjectPattern" }>;

function fillPattern(
  pattern: ObjectPattern,
  fn: FunctionNode,
  context: ParameterContext,
): { readonly fill: Fill; readonly isEmpty: boolean } {
  const { input } = context;
  const entries: string[] = [];
  const missing: Missing[] = [];
  let fromField = false;
  let spread = false;
  for (const property of pattern.properties) {
    const key =
      property.type === "ObjectProperty"
        ? propertyName(property.key as Expression, property.computed)
        : undefined;
    // A rest element or a computed key stands for all fields.
    if (property.type !== "ObjectProperty" || key === undefined) {
      spread = input.kind === "object" || input.kind === "unknown";
      continue;
    }
    const value = property.value as SyntaxNode;
    const known = knownValue(key, context);
    const isNull = known?.text === "input" && input.kind === "null";
    if (known !== undefined && !(isNull && value.type === "AssignmentPattern")) {
      entries.push(entryText(key, known.text));
      fromField ||= known.fromField;
      if (known.text === "input") missing.push(...missingOfInput(value, fn, context));
    } else if (!isOptional(value, fn, context)) {
      if (input.kind === "unknown") entries.push(entryText(key, fieldText(key)));
      else missing.push({ name: key, offset: startOf(property) });
    }
  }
  if (missing.length > 0) return { fill: { type: "missing", missing }, isEmpty: entries.length === 0 };
  const all = spread ? ["...input", ...entries] : entries;
  const text = all.length === 0 ? "{}" : `{ ${all.join(", ")} }`;
  return { fill: { type: "value", text, fromField: fromField || spread }, isEmpty: all.length === 0 };
}

/** `{ input: { name } }` asks for fields, too. */
function missingOfInput(value: SyntaxNode, fn: FunctionNode, context: ParameterContext): readonly Missing[] {
  const { kind } = context.input;
  if (value.type === "Identifier" && kind === "null" && readsMembers(value, fn, context))
    return [{ name: "input", offset: startOf(value) }];
  if (value.type !== "ObjectPattern" || kind === "unknown") return [];
  const { fill } = fillPattern(value, fn, { ...context, globals: [] });
  if (fill.type === "missing") return fill.missing;
  // Null cannot be destructured, not even into names with defaults.
  return kind === "null" ? [{ name: "input", offset: startOf(value) }] : [];
}

/** It has a default, or its value is never read. */
function isOptional(value: SyntaxNode, fn: FunctionNode, { uses }: ParameterContext): boolean {
  if (value.type !== "Identifier") return value.type === "AssignmentPattern";
  return !isUsed(value.name, startOf(value), fn, uses) || copesWithout(value.name, fn);
}

type RestElement = Extract<FunctionParameter, { type: "RestElement" }>;

function fillRest({ argument }: RestElement, fn: FunctionNode, context: ParameterContext): Fill {
  const { input, uses } = context;
  const name = argument.type === "Identifier" ? argument.name : undefined;
  if (name !== undefined && !isUsed(name, startOf(argument), fn, uses)) return NOTHING;
  if (name !== undefined && input.fields.includes(name))
    return { type: "value", text: `...[${fieldText(name)}].flat()`, fromField: true };
  if (parametersOf(fn).length > 1 || input.kind === "null") return NOTHING;
  const text = input.kind === "array" ? "...input" : "input";
  return { type: "value", text, fromField: false };
}

type Settled = Exclude<Fill, { type: "open" }>;

/** At most one parameter stands for all of `input`, and none when another took a part of it. */
function settleOpen(
  fills: readonly Fill[],
  parameters: readonly FunctionParameter[],
  input: InputShape,
): readonly Settled[] {
  const open = fills.filter((fill) => fill.type === "open");
  const required = open.filter(({ hasDefault }) => !hasDefault);
  const tookPart = fills.some((fill) => fill.type === "value" && fill.fromField);
  const isSole = required.length === 1 || (required.length === 0 && open.length === 1);
  return fills.map((fill, index): Settled => {
    if (fill.type !== "open") return fill;
    const fits = input.kind !== "null" && fitsInput(parameters[index], input);
    const mayTakeAll = isSole && !tookPart && (required.length === 0 || !fill.hasDefault);
    if (input.kind === "unknown" || (fits && mayTakeAll))
      return fill.hasDefault && input.kind === "unknown"
        ? NOTHING
        : { type: "value", text: "input", fromField: false };
    return fill.hasDefault ? NOTHING : { type: "missing", missing: [fill] };
  });
}

/** Whether the kind of the input fits the parameter's use, as far as the text shows. */
function fitsInput(parameter: FunctionParameter | undefined, { kind }: InputShape): boolean {
  if (kind === "unknown" || parameter === undefined) return true;
  const target: SyntaxNode = parameter.type === "AssignmentPattern" ? parameter.left : parameter;
  if (target.type === "ArrayPattern" && kind !== "array") return false;
  const written = kindOfType(fieldOf(target, "typeAnnotation"));
  const given = parameter.type === "AssignmentPattern" ? kindOfDefault(parameter.right) : undefined;
  return (written ?? kind) === kind && (given ?? kind) === kind;
}

const KINDS: ReadonlyMap<string, InputShape["kind"]> = new Map([
  ["TSStringKeyword", "string"],
  ["TSNumberKeyword", "number"],
  ["TSBooleanKeyword", "boolean"],
  ["TSArrayType", "array"],
  ["TSTupleType", "array"],
  ["TSTypeLiteral", "object"],
  ["StringLiteral", "string"],
  ["TemplateLiteral", "string"],
  ["NumericLiteral", "number"],
  ["UnaryExpression", "number"],
  ["BooleanLiteral", "boolean"],
  ["ArrayExpression", "array"],
  ["ObjectExpression", "object"],
]);

function kindOfType(annotation: unknown): InputShape["kind"] | undefined {
  const type = annotation as { readonly typeAnnotation?: { readonly type?: string } } | null | undefined;
  return KINDS.get(type?.typeAnnotation?.type ?? "");
}

function kindOfDefault(value: SyntaxNode): InputShape["kind"] | undefined {
  return KINDS.get(value.type);
}

function sourceOf(node: SyntaxNode, { text }: ParameterContext): string {
  return text.slice(startOf(node), endOf(node)).slice(0, 60);
}
