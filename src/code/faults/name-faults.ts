/** Names that do not exist: a server, a tool without its server, a name of another platform, or a typing mistake. */
import { sayWrite, writeTool } from "../../tools/meant-tools.ts";
import { reservedNames } from "../../tools/names.ts";
import { nearestNames } from "../../tools/nearest.ts";
import type { TypeFault } from "../check/checked.ts";
import type { ToolSignature } from "../check/tool-signatures.ts";
import { likeTools, sayAbsent, sayLike, wayOut } from "../syntax/absent-names.ts";
import { environmentNames } from "../syntax/environment-names.ts";
import type { SyntaxNode } from "../syntax/parse.ts";
import { type FaultContext, list, quoted, refuse, type Verdict, warn } from "./fault-context.ts";
import type { FaultSite } from "./fault-site.ts";
import { meantAt, offeredServers, offeredTools, textsAt } from "./meant-at.ts";

/** Undefined where the name does no harm: as a type, which is removed before the program runs, or after `typeof`. */
export function missingName(fault: TypeFault, site: FaultSite, context: FaultContext): Verdict | undefined {
  const name = nameAt(site.path[0]) ?? context.program.slice(fault.start, fault.end);
  if (isType(site) || isProbe(site)) return undefined;
  const { message, signature } = explain(name, fault, site, context);
  return context.sites.probed.has(name) ? warn(message) : refuse(message, signature);
}

interface Explained {
  readonly message: string;
  readonly signature?: ToolSignature | undefined;
}

function explain(name: string, fault: TypeFault, site: FaultSite, context: FaultContext): Explained {
  const { signatures } = context;
  const servers = offeredServers(signatures);
  const [required] = name === "require" ? textsAt(site) : [];
  if (required !== undefined && servers.includes(required))
    return { message: sayAbsent(name, `${required} is a global: use it as it is.`) };
  const own = suggested(fault, context);
  const instead = wayOut(name);
  const declaration = own === undefined ? declarationFor(name, site) : undefined;
  if (declaration !== undefined) return { message: `${quote(name)} is not declared: write ${declaration}.` };
  const isMember = (site.path[1]?.type as string | undefined)?.endsWith("MemberExpression") === true;
  const isSlip = isMember && nearestNames(name, servers, 1).length > 0;
  const meant = isSlip || (own !== undefined && instead === undefined) ? [] : meantAt(site, signatures);
  const [first, ...others] = meant;
  if (first !== undefined) {
    const message =
      instead === undefined ? sayUndefined(name, sayWrite(meant)) : sayAbsent(name, sayWrite(meant));
    const signature = others.length === 0 ? signatures.find(writeTool(first).split(".")) : undefined;
    return { message, signature };
  }
  if (instead !== undefined) {
    const slip = own === undefined ? "" : ` Did you mean ${own}?`;
    return { message: sayAbsent(name, instead) + sayLike(likeTools(name, offeredTools(signatures))) + slip };
  }
  const known = [...servers, ...signatures.functions, ...environmentNames];
  const [near = own] = nearestNames(name, known, 1);
  const tools = isCalled(site) ? list([...servers, ...signatures.functions]) : "";
  const meaning = near === undefined ? "" : `Did you mean ${near}?`;
  return { message: sayUndefined(name, [meaning, tools === "" ? "" : `Tools: ${tools}.`].join(" ").trim()) };
}

function sayUndefined(name: string, then: string): string {
  return `${quote(name)} is not defined.${then === "" ? "" : ` ${then}`}`;
}

/** The declaration to add where a name gets its first value; undefined where it is only read. */
function declarationFor(name: string, { path }: FaultSite): string | undefined {
  const patterns = path.filter(({ type }) => type === "ArrayPattern" || type === "ObjectPattern");
  const at = path.findIndex(({ type }) => !PATTERN.has(type));
  const [target, node, around] = [path[at - 1], path[at], path[at + 1]];
  if (node?.type === "ForOfStatement" || node?.type === "ForInStatement") {
    const word = node.type === "ForOfStatement" ? "of" : "in";
    return node.left === target && patterns.length === 0 ? `for (const ${name} ${word} …)` : undefined;
  }
  if (node?.type !== "AssignmentExpression" || node.operator !== "=" || node.left !== target)
    return undefined;
  if (around?.type === "ForStatement") return `for (let ${name} = …)`;
  const pattern = patterns.at(-1)?.type;
  const written =
    pattern === "ObjectPattern" ? `{ ${name} }` : pattern === "ArrayPattern" ? `[${name}]` : name;
  return `const ${written} = …, or let if it changes`;
}

/** Nodes between a name and the assignment that sets it. */
const PATTERN: ReadonlySet<string> = new Set([
  "Identifier",
  "ArrayPattern",
  "ObjectPattern",
  "ObjectProperty",
  "RestElement",
]);

/** A name of the program itself that TypeScript suggests. */
function suggested({ text }: TypeFault, { signatures }: FaultContext): string | undefined {
  const name = /Did you mean '([^']+)'/.exec(text)?.[1];
  const isOther = name === undefined || reservedNames.has(name) || signatures.servers.has(name);
  return isOther ? undefined : name;
}

function nameAt(node: SyntaxNode | undefined): string | undefined {
  return node?.type === "Identifier" ? node.name : undefined;
}

function isType({ path }: FaultSite): boolean {
  const parent: string | undefined = path[1]?.type;
  const node: string | undefined = path[0]?.type;
  if (node?.startsWith("TS")) return true;
  return parent !== undefined && /^TS(?!As|Satisfies|NonNull|TypeAssertion|Instantiation)/.test(parent);
}

/** The name is called, or a member of it is: it was meant as a tool, or as an object that holds tools. */
function isCalled({ path }: FaultSite): boolean {
  const call = path.slice(1).find((node) => !(node.type as string).endsWith("MemberExpression"));
  return call?.type === "CallExpression" && path.includes(call.callee as SyntaxNode);
}

function isProbe({ path }: FaultSite): boolean {
  const [, parent] = path;
  return parent?.type === "UnaryExpression" && parent.operator === "typeof";
}

function quote(name: string): string {
  return JSON.stringify(name);
}

/** The first name TypeScript puts in quotes. */
export function firstQuoted(text: string): string {
  return quoted(text)[0] ?? "";
}
