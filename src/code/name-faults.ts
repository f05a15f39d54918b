/** Names that are not there: a server, a tool without its server, something of another platform, or a slip. */
import { nearestNames } from "../tools/nearest.ts";
import { sayAbsent, wayOut } from "./absent-names.ts";
import { environmentNames } from "./environment-names.ts";
import { type FaultContext, list, quoted, refuse, type Verdict, warn } from "./fault-context.ts";
import type { FaultSite } from "./fault-site.ts";
import type { SyntaxNode } from "./parse.ts";
import { write } from "./tool-signatures.ts";
import type { TypeFault } from "./type-checker.ts";

/** Undefined where the name does no harm: as a type, which is gone before the program runs, or after `typeof`. */
export function missingName(fault: TypeFault, site: FaultSite, context: FaultContext): Verdict | undefined {
  const name = nameAt(site.path[0]) ?? context.program.slice(fault.start, fault.end);
  if (isType(site)) return undefined;
  const message = say(name, fault, isCalled(site), context);
  if (isProbe(site)) return undefined;
  return context.sites.probed.has(name) ? warn(message) : refuseName(message, name, context);
}

function refuseName(message: string, name: string, context: FaultContext): Verdict {
  const [server] = serversWith(name, context);
  return refuse(message, server === undefined ? undefined : context.signatures.find([server, name]));
}

function say(name: string, { text }: TypeFault, isCalled: boolean, context: FaultContext): string {
  const instead = wayOut(name);
  if (instead !== undefined) return sayAbsent(name, instead);
  const { servers, functions } = context.signatures;
  const [server] = serversWith(name, context);
  if (server !== undefined) return `${quote(name)} is not defined. Write ${write(server, name)}(…).`;
  const known = [...servers.keys(), ...functions, ...environmentNames];
  const [near = /Did you mean '([^']+)'/.exec(text)?.[1]] = nearestNames(name, known, 1);
  const meant = near === undefined ? "" : ` Did you mean ${near}?`;
  const tools = isCalled ? list([...servers.keys(), ...functions]) : "";
  return `${quote(name)} is not defined.${meant}${tools === "" ? "" : ` Tools: ${tools}.`}`;
}

/** Servers that have a tool of this name. */
function serversWith(name: string, { signatures }: FaultContext): readonly string[] {
  return [...signatures.servers].filter(([, methods]) => methods.includes(name)).map(([server]) => server);
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

/** It was meant for a tool, or for something that holds tools. */
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
