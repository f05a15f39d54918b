/** Arguments that a tool does not accept: missing, unknown, of the wrong type or in the wrong place. */
import { nearestNames } from "../../tools/nearest.ts";
import type { TypeFault } from "../check/checked.ts";
import type { ToolSignature } from "../check/tool-signatures.ts";
import { endOf, fieldOf, type SyntaxNode, startOf } from "../syntax/parse.ts";
import { referenceOf } from "../syntax/references.ts";
import { adviseOn, isJsonText, valueAt } from "./argument-advice.ts";
import { isOfTypesOnly, isWrittenElsewhere, mayStillFit } from "./argument-fit.ts";
import { missingProperties, sayType, typesIn, unknownProperty } from "./assignment-words.ts";
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

/**
 * A fault of assignment. It refuses the program only inside a tool's arguments, and only when no other reading remains.
 */
export async function argumentFault(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Promise<Verdict | undefined> {
  if (isOfTypesOnly(fault)) return undefined;
  const { call } = site;
  if (call === undefined) return await elsewhere(fault, site, context);
  const tool = calledTool(site, context);
  const message = say(fault, site, call, tool, context);
  if (!call.inArguments || tool === undefined) return warn(message);
  if (isWrittenElsewhere(site, context)) return undefined;
  if (mayStillFit(fault, site)) return warn(message);
  const also = otherFaults(call, tool);
  return { ...refuse(message, tool), call: { at: startOf(call.node), callable: tool.callable, also } };
}

/** Further faults that a literal's names show: TypeScript reports one kind of fault at a time. */
function otherFaults({ node }: ToolCallSite, tool: ToolSignature): readonly string[] {
  const [argument] = node.arguments;
  if (argument?.type !== "ObjectExpression" || tool.open || tool.positional) return [];
  const names = argument.properties.map((property) => keyOf(property));
  if (names.includes(undefined)) return [];
  const known = tool.parameters.map(({ name }) => name);
  const unknown = names.filter((name) => name !== undefined && !known.includes(name));
  const meant = unknown.flatMap((name) => nearestNames(name ?? "", known, 1));
  const missing = tool.parameters.filter(
    ({ name, optional }) => !optional && !names.includes(name) && !meant.includes(name),
  );
  return [
    ...unknown.map((name) => sayUnknown(tool.callable, name ?? "", tool)),
    ...(missing.length === 0
      ? []
      : [
          sayMissing(
            tool.callable,
            missing.map(({ name }) => name),
            tool,
          ),
        ]),
  ];
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
  context: FaultContext,
): string {
  const callable = tool?.callable ?? callableOf(call.reference);
  const steps = [fault, ...fault.chain];
  const property = propertyOf(path, call) ?? propertyInChain(fault);
  const missing = steps.map(({ text }) => missingProperties(text)).find((names) => names.length > 0);
  if (missing !== undefined && property === undefined && path[0]?.type === "ArrayExpression")
    return sayWhole(callable, "an array", tool, false);
  if (missing !== undefined) return sayMissing(callable, missing, tool, property);
  const unknown = steps.map(({ text }) => unknownProperty(text)).find((name) => name !== undefined);
  if (unknown !== undefined) {
    const isNested = property !== undefined && property !== unknown;
    return isNested ? sayUnknownInside(callable, property, fault) : sayUnknown(callable, unknown, tool);
  }
  const types = steps.map(({ text }) => typesIn(text)).findLast((pair) => pair !== undefined);
  if (types === undefined) return `${callable} does not take this argument.`;
  const [given, wanted] = types;
  const node = valueAt(path);
  const written = node === undefined ? "" : context.program.slice(startOf(node), endOf(node));
  if (property === undefined) return sayWhole(callable, given, tool, isJsonText(node, written));
  const advice = adviseOn(given, wanted, { node, written });
  return `${callable}: ${JSON.stringify(property)} must be ${sayType(wanted)}, not ${sayType(given)}${advice}`;
}

function sayMissing(
  callable: string,
  names: readonly string[],
  tool: ToolSignature | undefined,
  inside?: string,
): string {
  const described = names.map((name) => {
    const found = tool?.parameters.find((parameter) => parameter.name === name);
    const type = inside === undefined ? found?.type : undefined;
    const written = JSON.stringify(inside === undefined ? name : `${inside}.${name}`);
    return type === undefined || type.length > 60 ? written : `${written} (${type})`;
  });
  return `${callable} needs ${list(described)}.`;
}

function sayUnknownInside(callable: string, property: string, { text }: TypeFault): string {
  const near = /Did you mean to write '([^']+)'/.exec(text)?.[1];
  return `${callable} takes no ${JSON.stringify(property)}${near === undefined ? "." : `; did you mean ${near}?`}`;
}

function sayUnknown(callable: string, name: string, tool: ToolSignature | undefined): string {
  const names = tool?.parameters.map((parameter) => parameter.name) ?? [];
  const [near] = nearestNames(name, names, 1);
  const meant = near === undefined ? "." : `; did you mean ${near}?`;
  const allowed = names.length === 0 ? " It takes none." : ` It takes ${list(names)}.`;
  return `${callable} takes no ${JSON.stringify(name)}${meant}${near === undefined ? allowed : ""}`;
}

function sayWhole(callable: string, given: string, tool: ToolSignature | undefined, isJson: boolean): string {
  if (isJson && tool?.positional !== true)
    return `${callable} takes one object. Pass the object itself, not JSON text.`;
  if (tool?.positional) return `${tool.callable} takes ${sayParameters(tool)}, not ${sayType(given)}.`;
  if (tool !== undefined) return `${callable} takes one object, not ${sayType(given)}: ${callable}({ … }).`;
  return `${callable} does not take ${sayType(given)} here.`;
}

/** Away from tools, types are the program's own business, except for the one common mistake with results. */
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

/** The path of the property: `owner`, or `filter.states[1]` for a deeper one. */
function propertyOf(path: readonly SyntaxNode[], call: ToolCallSite): string | undefined {
  const at = path.indexOf(call.node);
  let written = "";
  path.slice(0, Math.max(0, at)).forEach((node, index) => {
    if (node.type === "ArrayExpression") {
      const element = node.elements.findIndex((each) => each === path[index - 1]);
      const isSpread = node.elements.slice(0, element).some((each) => each?.type === "SpreadElement");
      if (element >= 0)
        written = `[${isSpread ? "…" : element}]${/^[\w$]/.test(written) ? "." : ""}${written}`;
      return;
    }
    const name = keyOf(node);
    if (name !== undefined)
      written = written === "" || written.startsWith("[") ? name + written : `${name}.${written}`;
  });
  return written === "" ? undefined : written;
}

/** The name of a property, when the text shows it. */
function keyOf(node: SyntaxNode): string | undefined {
  if (node.type !== "ObjectProperty" && node.type !== "ObjectMethod") return undefined;
  if (node.computed) return undefined;
  const key = fieldOf(node, "key") as SyntaxNode;
  if (key.type === "Identifier") return key.name;
  return key.type === "StringLiteral" ? key.value : undefined;
}

function propertyInChain({ chain }: TypeFault): string | undefined {
  const names = chain.flatMap(({ text }) =>
    /^(?:Types of property|The types of) '/.test(text) ? [firstQuoted(text)] : [],
  );
  return names.length === 0 ? undefined : names.join(".");
}
