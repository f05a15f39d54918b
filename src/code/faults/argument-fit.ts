/** Type faults of arguments that may be right when the program runs, because types cannot know or only types care. */

import type { TypeFault } from "../check/checked.ts";
import { nodesOf, type SyntaxNode } from "../syntax/parse.ts";
import { referenceOf } from "../syntax/references.ts";
import { valueAt } from "./argument-advice.ts";
import { isUnion, membersOf, missingProperties, ownerOfMissing, typesIn } from "./assignment-words.ts";
import { callableOf, type FaultContext } from "./fault-context.ts";
import type { FaultSite, ToolCallSite } from "./fault-site.ts";

/** JSON writes a Date as ISO text, which is what such a parameter accepts, and has no `readonly`. */
export function isOfTypesOnly(fault: TypeFault): boolean {
  const steps = [fault, ...fault.chain];
  if (steps.some(({ code }) => code === READ_ONLY)) return true;
  const [given, wanted] = steps.map(({ text }) => typesIn(text)).findLast(Boolean) ?? [];
  return given === "Date" && wanted !== undefined && membersOf(wanted).includes("string");
}

/** "The type 'readonly …' is 'readonly' and cannot be assigned to the mutable type '…'." */
const READ_ONLY = 4104;

/** The value gets the missing part elsewhere in the program, or on its way to the tool. */
export function isWrittenElsewhere(site: FaultSite, context: FaultContext): boolean {
  return isBuilt(site, context) || isLongNumber(site);
}

/**
 * Reasons to allow the call: the type is wider than the value; the value may be missing; one of its possible types
 * fits; the program chooses whether to use it; or the missing part comes from elsewhere.
 */
export function mayStillFit(fault: TypeFault, { path, call }: FaultSite): boolean {
  const steps = [fault, ...fault.chain];
  const types = steps.map(({ text }) => typesIn(text)).findLast((pair) => pair !== undefined);
  const isMissing = steps.some(({ text }) => missingProperties(text).length > 0);
  if (types !== undefined && !isMissing) {
    const [given, wanted] = types;
    if (isWidened(given, wanted)) return true;
    if (given === "null" && valueAt(path)?.type === "NullLiteral") return false;
    if (isMade(path[0]) || BOXES.has(given)) return true;
    if (/(^|\| )(null|undefined|unknown|any)( \||$)/.test(given)) return true;
    if (isUnion(given) || isChoice(valueAt(path))) return true;
  }
  if (steps.some(({ text }) => isOpen(ownerOfMissing(text)))) return true;
  const argument = argumentAt(path, call);
  if (argument?.type === "ObjectExpression")
    return isMissing ? holdsSpread(path) : argument === path[0] && holdsChosenSpread(argument);
  return isMissing && argument?.type !== "Identifier" && argument?.type !== "StringLiteral";
}

/**
 * The type is any string, number or boolean, though the value may be one of the accepted literals; or it is an array,
 * though the value is the accepted tuple.
 */
function isWidened(given: string, wanted: string): boolean {
  const members = membersOf(wanted);
  const literal = LITERALS.get(given);
  if (literal !== undefined) return members.some((member) => literal.test(member));
  return given.endsWith("[]") && members.some((member) => /^(?:readonly )?\[/.test(member));
}

const LITERALS: ReadonlyMap<string, RegExp> = new Map([
  ["string", /^["`]/],
  ["number", /^-?\d/],
  ["boolean", /^(?:true|false)$/],
]);

/** For `limit > 0 ? limit : undefined`, types count both sides, or narrow one to a case that never occurs. */
function isChoice(node: SyntaxNode | undefined): boolean {
  return node?.type === "ConditionalExpression" || node?.type === "LogicalExpression";
}

/** `...(limit > 0 && { limit })`: TypeScript reports the whole object. */
function holdsChosenSpread(object: SyntaxNode): boolean {
  return (
    object.type === "ObjectExpression" &&
    object.properties.some(
      (property) => property.type === "SpreadElement" && isChoice(property.argument as SyntaxNode),
    )
  );
}

/** An index type does not say which names its value lacks. */
function isOpen(type: string | undefined): boolean {
  return type !== undefined && /^(?:Record<|\{ (?:readonly )?\[\w+: string\]:)/.test(type);
}

/** The result of a constructor or of a program's function may be typed in any way. */
function isMade(node: SyntaxNode | undefined): boolean {
  if (node?.type === "NewExpression") return true;
  if (node?.type !== "CallExpression") return false;
  const reference = referenceOf(node.callee as never);
  return reference === undefined || !CERTAIN.test(callableOf(reference));
}

const CERTAIN = /^JSON\.stringify$/;
/** JSON writes these as the primitive they hold. */
const BOXES: ReadonlySet<string> = new Set(["String", "Number", "Boolean"]);

/** When properties are set one by one, the object's type shows only its first value. */
function isBuilt({ path, call }: FaultSite, { sites }: FaultContext): boolean {
  const argument = argumentAt(path, call);
  return argument?.type === "Identifier" && sites.built.has(argument.name);
}

/** A string with more digits than a number can hold is sent as that number where a tool wants one. */
function isLongNumber({ path }: FaultSite): boolean {
  const [innermost, around] = path;
  const value =
    around?.type === "ObjectProperty" && around.key === innermost ? (around.value as SyntaxNode) : innermost;
  if (value?.type !== "Identifier") return isLongDigits(value);
  const program = path.at(-1);
  if (program === undefined) return false;
  const declarations = [...nodesOf(program)].filter((node) => node.type === "VariableDeclarator");
  return declarations.some(
    ({ id, init }) =>
      id.type === "Identifier" && id.name === value.name && isLongDigits(init as SyntaxNode | undefined),
  );
}

function isLongDigits(node: SyntaxNode | null | undefined): boolean {
  return node?.type === "StringLiteral" && /^-?[1-9]\d{15,}$/.test(node.value);
}

function argumentAt(path: readonly SyntaxNode[], call: ToolCallSite | undefined): SyntaxNode | undefined {
  const at = call === undefined ? -1 : path.indexOf(call.node);
  return at > 0 ? path[at - 1] : undefined;
}

function holdsSpread(path: readonly SyntaxNode[]): boolean {
  const object = path.find((node) => node.type === "ObjectExpression");
  return (
    object?.type === "ObjectExpression" && object.properties.some(({ type }) => type === "SpreadElement")
  );
}
