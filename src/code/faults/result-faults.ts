/** Members that a tool object or a tool's result lacks: a tool, a field, an iterator, or an `await` before it. */
import { sayWrite } from "../../tools/meant-tools.ts";
import { nearestNames } from "../../tools/nearest.ts";
import type { SeenType, TypeFault } from "../check/checked.ts";
import { environmentMembers } from "../declare/environment.ts";
import { environmentNames } from "../syntax/environment-names.ts";
import { type Expression, fieldOf, type SyntaxNode, startOf, withoutAssertions } from "../syntax/parse.ts";
import type { Reference } from "../syntax/references.ts";
import {
  callableOf,
  type FaultContext,
  list,
  refuse,
  signatureOf,
  textOf,
  type Verdict,
  warn,
} from "./fault-context.ts";
import { type FaultSite, isGuarded, memberAt } from "./fault-site.ts";
import { meantAt } from "./meant-at.ts";
import { firstQuoted } from "./name-faults.ts";
import { isOfPromise, isPromise, offersAwait, unawaited } from "./promise-faults.ts";

const MAX_FIELDS = 8;

export async function missingProperty(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Promise<Verdict | undefined> {
  const member = memberAt(site);
  const name = member?.computed
    ? (firstQuoted(fault.text) ?? "")
    : context.program.slice(fault.start, fault.end).replace(/^["'`]|["'`]$/g, "");
  const receiver = member ? withoutAssertions(member.object as Expression) : takenApart(site);
  const tools = receiver && context.sites.toolReference(receiver, site);
  if (tools !== undefined && signatureOf(tools, context) === undefined) {
    const isOriginal = signatureOf({ ...tools, path: [...tools.path, name] }, context) !== undefined;
    return isOriginal ? undefined : noSuchTool(tools, name, site, context);
  }
  if (tools !== undefined && member !== undefined && isCallee(member, site))
    return refuse(`${callableOf(tools)} is a tool: call it, ${callableOf(tools)}(…).`);
  if (offersAwait(fault)) return unawaited(receiver, site, context);
  const environment = receiver && environmentOf(receiver, site, context);
  if (environment !== undefined) return refuse(sayEnvironment(environment, name));
  if (context.sites.assigned.has(name)) return undefined;
  if (isOfPromise(fault)) return unawaited(receiver, site, context);
  const seen =
    member && receiver ? await resultAt(receiver, site, context) : await patternType(site, context);
  if (seen === undefined) return warn(`${JSON.stringify(name)} does not exist on this value.`);
  const message = sayField(name, seen, member && receiver && textOf(receiver, context));
  return member !== undefined && isGuarded(site, member) ? warn(message) : refuse(message);
}

/** `console.table`, `crypto.subtle`: these objects have fewer members here than elsewhere. */
function environmentOf(receiver: Expression, site: FaultSite, { sites }: FaultContext): string | undefined {
  if (receiver.type !== "Identifier" || !environmentNames.includes(receiver.name)) return undefined;
  return sites.isHidden(receiver.name, site) ? undefined : receiver.name;
}

export async function notIterable(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Promise<Verdict> {
  const [node] = site.path;
  if (isPromise(fault)) return unawaited(node as Expression, site, context);
  const seen = node && (await resultAt(node as Expression, site, context));
  if (seen === undefined || seen.isArray) return warn("This value is not iterable.");
  return refuse(`The result is not an array; it is ${sayShape(seen)}.${useArray(seen, undefined)}`);
}

/** A server is called as if it were a tool. */
export function notCallable(fault: TypeFault, site: FaultSite, context: FaultContext): Verdict {
  const [node] = site.path;
  const server = node && context.sites.toolReference(node as Expression, site);
  const methods = server && context.signatures.servers.get(server.root);
  if (server === undefined || server.path.length > 0 || methods === undefined)
    return warn(fault.text.replace(/'[^']{60,}'/g, "'…'"));
  return refuse(
    `${server.root} is a server, not a tool: call ${server.root}.<tool>(…). It has ${list(methods)}.`,
  );
}

function sayEnvironment(environment: string, name: string): string {
  const members = environmentMembers.get(environment) ?? [];
  const has = members.length === 0 ? "" : `; it has ${list(members)}`;
  return `${environment} has no ${JSON.stringify(name)} here${has}.`;
}

/**
 * `tools["shop__order"]`: TypeScript does not report it, because any index may exist. Also `orders[0]` of a promise,
 * for which TypeScript does not suggest `await`.
 */
export function missingElement(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Verdict | undefined {
  const access = site.path.find((node) => (node.type as string).endsWith("MemberExpression"));
  if (access !== undefined && isOfPromise(fault))
    return unawaited(fieldOf(access, "object") as Expression, site, context);
  const reference = access && context.sites.toolReference(access as Expression, site);
  const name = reference?.path.at(-1);
  if (reference === undefined || name === undefined) return undefined;
  const holder = { ...reference, path: reference.path.slice(0, -1) };
  if (signatureOf(reference, context) !== undefined || signatureOf(holder, context) !== undefined)
    return undefined;
  const verdict = noSuchTool(holder, name, site, context);
  return isGuarded(site, access as SyntaxNode) ? warn(verdict.message) : verdict;
}

function isCallee(member: SyntaxNode, { path }: FaultSite): boolean {
  const call = path[path.indexOf(member) + 1];
  return call?.type === "CallExpression" && call.callee === member;
}

function noSuchTool(tools: Reference, name: string, site: FaultSite, context: FaultContext): Verdict {
  const { servers, originals, hosted } = context.signatures;
  const { root, path } = tools;
  const holder = callableOf(tools);
  const functions = (path.length === 0 && hosted.get(root)) || [];
  const known = root === "tools" ? originals.get(path[0] ?? "") : servers.get(root);
  if (root === "tools" && path.length === 0) {
    const names = [...originals].flatMap(([server, methods]) => (methods.length > 0 ? [server] : []));
    const said = `tools has no server ${JSON.stringify(name)}.`;
    const meant = meantAt(site, context.signatures);
    if (meant.length > 0) return refuse(`${said} ${sayWrite(meant)}`);
    const [near] = nearestNames(name, [...functions, ...names], 1);
    return refuse(`${said}${near ? ` Did you mean ${near}?` : ""} Tool servers: ${list(names)}.`);
  }
  if (functions.length > 0)
    return refuse(`${holder} has no ${JSON.stringify(name)}; it has ${list(functions)}.`);
  const [near] = nearestNames(name, known ?? [], 1);
  const said = `${holder} has no tool ${JSON.stringify(name)}.`;
  if (near !== undefined)
    return refuse(`${said} Did you mean ${near}?`, context.signatures.find([root, ...path, near]));
  const meant = meantAt(site, context.signatures);
  if (meant.length > 0) return refuse(`${said} ${sayWrite(meant)}`);
  return refuse(known === undefined ? said : `${said} It has ${list(known)}.`);
}

interface SeenResult extends SeenType {
  /** The value is an array of the observed type. */
  readonly isArray: boolean;
}

/** The known type of a value that came from a tool; undefined for any other value. */
async function resultAt(
  node: Expression,
  site: FaultSite,
  context: FaultContext,
): Promise<SeenResult | undefined> {
  const found = whereTyped(node, site, context);
  if (found === undefined) return undefined;
  if (found.result !== undefined) {
    const { fields = [], givesArray = false } = signatureOf(found.result, context) ?? {};
    return { ofTools: true, properties: fields, isArray: givesArray };
  }
  const seen = await context.typeAt(found.offset, found.unwrap);
  if (seen?.ofTools) return { ...seen, isArray: false };
  const element = await context.typeAt(found.offset, found.unwrap + 1);
  return element?.ofTools ? { ...element, isArray: true } : undefined;
}

interface Typed {
  readonly offset: number;
  readonly unwrap: number;
  /** The tool that returned it. */
  readonly result?: Reference;
}

/** A name whose type gives the type of the expression. */
function whereTyped(node: Expression, site: FaultSite, context: FaultContext): Typed | undefined {
  const inner = withoutAssertions(node);
  switch (inner.type) {
    case "Identifier":
      return { offset: startOf(inner), unwrap: 0 };
    case "MemberExpression":
    case "OptionalMemberExpression": {
      if (!inner.computed) return { offset: startOf(inner.property as SyntaxNode), unwrap: 0 };
      const object = whereTyped(inner.object as Expression, site, context);
      return object && { ...object, unwrap: object.unwrap + 1 };
    }
    case "AwaitExpression": {
      const awaited = withoutAssertions(inner.argument);
      if (awaited.type === "CallExpression") {
        const reference = context.sites.toolReference(awaited.callee as Expression, site);
        return reference && { offset: 0, unwrap: 0, result: reference };
      }
      const promise = whereTyped(awaited, site, context);
      return promise && { ...promise, unwrap: promise.unwrap + 1 };
    }
    default:
      return undefined;
  }
}

/** `const { items } = await tool()`: the destructured value. */
async function patternType(site: FaultSite, context: FaultContext): Promise<SeenResult | undefined> {
  const init = takenApart(site);
  if (init === undefined) return undefined;
  return await resultAt(init, site, context);
}

/** The right side of `const { items } = …`. */
function takenApart({ path }: FaultSite): Expression | undefined {
  const declarator = path.find((node) => node.type === "VariableDeclarator");
  const patterns = path.filter((node) => (node.type as string) === "ObjectPattern");
  const isOwn = patterns.length === 1 && declarator && fieldOf(declarator, "id") === patterns[0];
  const init = declarator && fieldOf(declarator, "init");
  return isOwn && init ? withoutAssertions(init as Expression) : undefined;
}

function sayField(name: string, seen: SeenResult, receiver: string | undefined): string {
  const what = seen.isArray ? "The result is an array, which" : "The result";
  const names = seen.properties.map((property) => property.name);
  const [near] = nearestNames(name, seen.isArray ? [] : names, 1);
  if (near !== undefined) return `${what} has no ${JSON.stringify(name)}. Did you mean ${near}?`;
  if (seen.properties.length === 0) return `${what} has no ${JSON.stringify(name)}.`;
  const shape = seen.isArray ? `its elements are ${sayShape(seen)}` : `it is ${sayShape(seen)}`;
  const isArrayMethod = ARRAY_METHODS.has(name);
  return `${what} has no ${JSON.stringify(name)}; ${shape}.${isArrayMethod ? useArray(seen, receiver, name) : ""}`;
}

const ARRAY_METHODS: ReadonlySet<string> = new Set(
  Object.getOwnPropertyNames(Array.prototype).filter((name) => name !== "constructor"),
);

function sayShape({ properties }: SeenType): string {
  const fields = properties
    .slice(0, MAX_FIELDS)
    .map(({ name, isArray }) => (isArray ? `${name}: […]` : name));
  const more = properties.length > MAX_FIELDS ? ", …" : "";
  return `{ ${fields.join(", ")}${more} }`;
}

/** Suggests the only field that is an array. */
function useArray(
  { properties, isArray }: SeenResult,
  receiver: string | undefined,
  method?: string,
): string {
  const [field, ...others] = properties.filter((property) => property.isArray);
  if (isArray || field === undefined || others.length > 0) return "";
  const access = receiver === undefined ? `.${field.name}` : `${receiver}.${field.name}`;
  return ` Use ${access}${method === undefined ? "" : `.${method}`}.`;
}
