/** What a tool does not take: an argument missing, unknown, of the wrong type or in the wrong place. */
import { nearestNames } from "../tools/nearest.ts";
import {
  callableOf,
  calledTool,
  type FaultContext,
  list,
  refuse,
  type Verdict,
  warn,
} from "./fault-context.ts";
import type { FaultSite, ToolCallSite } from "./fault-site.ts";
import { firstQuoted } from "./name-faults.ts";
import { fieldOf, nodesOf, type SyntaxNode } from "./parse.ts";
import { referenceOf } from "./references.ts";
import type { ToolSignature } from "./tool-signatures.ts";
import type { TypeFault } from "./type-checker.ts";

/** A fault of assignment. It refuses only inside a tool's arguments, and only where no other reading is left. */
export async function argumentFault(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Promise<Verdict | undefined> {
  const { call } = site;
  if (call === undefined) return await elsewhere(fault, site, context);
  const tool = calledTool(site, context);
  const message = say(fault, site, call, tool);
  if (!call.inArguments || tool === undefined) return warn(message);
  if (isBuilt(site, context) || isLongNumber(site)) return undefined;
  return mayStillFit(fault, site) ? warn(message) : refuse(message, tool);
}

/** The wrong number of arguments. */
export function countFault(fault: TypeFault, site: FaultSite, context: FaultContext): Verdict {
  const tool = calledTool(site, context);
  if (tool === undefined) return warn(`${fault.text.replace(/\.$/, "")}.`);
  if (tool.positional) return refuse(`${tool.callable} takes ${sayParameters(tool)}.`, tool);
  const names = tool.parameters.filter(({ optional }) => !optional).map(({ name }) => name);
  const example = names.length === 0 ? "{}" : `{ ${names.join(", ")} }`;
  return refuse(`${tool.callable} takes one object: ${tool.callable}(${example}).`, tool);
}

function sayParameters({ parameters }: ToolSignature): string {
  return `(${parameters.map(({ name, optional }) => (optional ? `${name}?` : name)).join(", ")}), in this order`;
}

function say(
  fault: TypeFault,
  { path }: FaultSite,
  call: ToolCallSite,
  tool: ToolSignature | undefined,
): string {
  const callable = tool?.callable ?? callableOf(call.reference);
  const steps = [fault, ...fault.chain];
  const missing = steps.map(({ text }) => missingProperties(text)).find((names) => names.length > 0);
  if (missing !== undefined) return sayMissing(callable, missing, tool);
  const unknown = steps.map(({ text }) => unknownProperty(text)).find((name) => name !== undefined);
  if (unknown !== undefined) return sayUnknown(callable, unknown, tool);
  const types = steps.map(({ text }) => typesIn(text)).findLast((pair) => pair !== undefined);
  const property = propertyOf(path, call) ?? propertyInChain(fault);
  if (types === undefined) return `${callable} does not take this argument.`;
  const [given, wanted] = types;
  if (property === undefined) return sayWhole(callable, given, tool);
  return `${callable}: ${JSON.stringify(property)} must be ${sayType(wanted)}, not ${sayType(given)}.`;
}

function sayMissing(callable: string, names: readonly string[], tool: ToolSignature | undefined): string {
  const described = names.map((name) => {
    const type = tool?.parameters.find((parameter) => parameter.name === name)?.type;
    return type === undefined || type.length > 60
      ? JSON.stringify(name)
      : `${JSON.stringify(name)} (${type})`;
  });
  return `${callable} needs ${list(described)}.`;
}

function sayUnknown(callable: string, name: string, tool: ToolSignature | undefined): string {
  const names = tool?.parameters.map((parameter) => parameter.name) ?? [];
  const [near] = nearestNames(name, names, 1);
  const meant = near === undefined ? "." : `; did you mean ${near}?`;
  const allowed = names.length === 0 ? " It takes none." : ` It takes ${list(names)}.`;
  return `${callable} takes no ${JSON.stringify(name)}${meant}${near === undefined ? allowed : ""}`;
}

function sayWhole(callable: string, given: string, tool: ToolSignature | undefined): string {
  if (tool?.positional) return `${tool.callable} takes ${sayParameters(tool)}, not ${sayType(given)}.`;
  if (tool !== undefined) return `${callable} takes one object, not ${sayType(given)}: ${callable}({ … }).`;
  return `${callable} does not take ${sayType(given)} here.`;
}

/** Beside tools, types are the program's own business, but for the one mistake everybody makes with results. */
async function elsewhere(
  fault: TypeFault,
  { path }: FaultSite,
  context: FaultContext,
): Promise<Verdict | undefined> {
  const call = path.find((node) => node.type === "CallExpression");
  const reference = call?.type === "CallExpression" ? referenceOf(call.callee as never) : undefined;
  if (reference !== undefined && callableOf(reference) === "JSON.parse") {
    const argument = context.program.slice(fault.start, fault.end);
    const start = fault.start + (/^await\s+/.exec(argument)?.[0].length ?? 0);
    const known = await context.typeAt(start, 0);
    const isResult = known?.ofTools === true || argument.startsWith("await ");
    if (isResult) return refuse("The result is already a value, not JSON text: remove JSON.parse.");
  }
  return warn(fault.text.replace(/'[^']{60,}'/g, "'…'"));
}

/**
 * Reasons to let a call go: the value is a plain string where only some strings are taken, or may be missing; one of
 * several types it can have fits; or what is missing comes from elsewhere.
 */
function mayStillFit(fault: TypeFault, { path, call }: FaultSite): boolean {
  const steps = [fault, ...fault.chain];
  const types = steps.map(({ text }) => typesIn(text)).findLast((pair) => pair !== undefined);
  const isMissing = steps.some(({ text }) => missingProperties(text).length > 0);
  if (types !== undefined && !isMissing) {
    const [given, wanted] = types;
    if (given === "string" && isSomeStrings(wanted)) return true;
    if (/(^|\| )(null|undefined|unknown|any)( \||$)/.test(given)) return true;
    if (isUnion(given)) return true;
  }
  const argument = argumentAt(path, call);
  if (argument?.type === "ObjectExpression") return isMissing && holdsSpread(path);
  return isMissing && argument?.type !== "Identifier" && argument?.type !== "StringLiteral";
}

/** An object whose properties are set one by one is not what its first value's type says. */
function isBuilt({ path, call }: FaultSite, { sites }: FaultContext): boolean {
  const argument = argumentAt(path, call);
  return argument?.type === "Identifier" && sites.built.has(argument.name);
}

/** A string of more digits than a number holds is sent as that number where a tool wants one. */
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

/** `owner`, or `filter.state` for what lies deeper. */
function propertyOf(path: readonly SyntaxNode[], call: ToolCallSite): string | undefined {
  const at = path.indexOf(call.node);
  const names = path.slice(0, Math.max(0, at)).flatMap((node): string[] => {
    if (node.type !== "ObjectProperty") return [];
    const key = fieldOf(node, "key") as SyntaxNode;
    if (key.type === "Identifier") return [key.name];
    return key.type === "StringLiteral" ? [key.value] : [];
  });
  return names.length === 0 ? undefined : names.reverse().join(".");
}

function propertyInChain({ chain }: TypeFault): string | undefined {
  const names = chain.flatMap(({ text }) =>
    /^(?:Types of property|The types of) '/.test(text) ? [firstQuoted(text)] : [],
  );
  return names.length === 0 ? undefined : names.join(".");
}

function missingProperties(text: string): readonly string[] {
  const one = /^Property '([^']+)' is missing in type/.exec(text)?.[1];
  if (one !== undefined) return [one];
  const several = /is missing the following properties from type '.*': (.+?)(?:, and \d+ more)?\.?$/s.exec(
    text,
  );
  return several?.[1]?.split(", ") ?? [];
}

function unknownProperty(text: string): string | undefined {
  return /'([^']+)' does not exist in type/.exec(text)?.[1];
}

/** What was given and what is wanted, as TypeScript prints them. */
function typesIn(text: string): readonly [given: string, wanted: string] | undefined {
  const found =
    /^(?:Type|Argument of type) '(.*?)' (?:is not assignable to (?:type|parameter of type)|has no properties in common with type) '(.*)'\.?(?: Did you mean '.*'\?)?$/s.exec(
      text,
    );
  return found ? [found[1] ?? "", (found[2] ?? "").replace(/'\. Did you mean '.*$/s, "")] : undefined;
}

/** `"a" | "b"`, or with templates among them. */
function isSomeStrings(type: string): boolean {
  return type.split(" | ").every((member) => /^(["`].*["`]|undefined|null)$/.test(member));
}

function isUnion(type: string): boolean {
  return !/^[{[(]/.test(type) && type.includes(" | ");
}

/** In a sentence: short types as they are, others by their kind. */
function sayType(type: string): string {
  const short = type.replace(/ \| undefined$/, "").replaceAll(" | ", " or ");
  if (short.startsWith("Promise<")) return "a Promise (add await)";
  if (short.length <= 80) return short;
  if (short.endsWith("[]")) return "an array";
  return short.startsWith("{") ? "an object" : `${short.slice(0, 80)}…`;
}
