/** Names that are not there: a tool without its server or by another spelling, a slip, a server called as a tool. */
import type { ToolNamespaces } from "../../../sandbox/index.ts";
import { likeTools, sayLike, wayOut } from "../../code/syntax/absent-names.ts";
import { environmentNames } from "../../code/syntax/environment-names.ts";
import { meantByCall, type NamedTool, sayWrite } from "../../tools/meant-tools.ts";
import { nearestNames } from "../../tools/nearest.ts";
import { chainAfter, chainOf, type FailedProgram, isDeclared, toolCalled } from "./failing-value.ts";

const MAX_LISTED = 12;

/** For a name that is defined nowhere. */
export function hintForName(name: string, program: FailedProgram): string | undefined {
  const { namespaces } = program;
  const tools = offeredTools(namespaces);
  const servers = offeredServers(namespaces);
  const chain = chainInCode(name, program) ?? { names: [name], texts: [] };
  const [required] = name === "require" ? chain.texts : [];
  if (required !== undefined && servers.includes(required))
    return `${required} is a global: use it as it is.`;
  const isSlip = chain.names.length > 1 && nearestNames(name, servers, 1).length > 0;
  const meant = isSlip ? [] : meantByCall(chain, tools);
  if (meant.length > 0) return sayWrite(meant);
  const instead = wayOut(name);
  if (instead !== undefined) return instead + sayLike(likeTools(name, tools));
  const functions = namespaces.locals.filter(({ hidden }) => hidden !== true).map(({ global }) => global);
  if (name === "local" && functions.length > 0)
    return `Its tools are called by their names alone: ${list(functions)}.`;
  const [near] = nearestNames(name, [...servers, ...functions, ...environmentNames], 1);
  return near === undefined ? undefined : `Did you mean ${near}?`;
}

/** For `github(…)`, `tools.serch(…)`, `runs.get(…)`, `list({}).map(…)`: what was called is no function. */
export function hintForNoFunction(words: string, program: FailedProgram): string | undefined {
  const { code, namespaces } = program;
  const { callee, member } = /^(?<callee>.+)\(\.\.\.\)\.(?<member>[\w$]+)$/.exec(words)?.groups ?? {};
  if (callee !== undefined)
    return toolCalled(callee, namespaces) === undefined
      ? undefined
      : `${callee}(…) gives a Promise: write (await ${callee}(…)).${member}.`;
  const { root, path } = chainOf(words) ?? { root: undefined, path: [] };
  if (root === undefined || isDeclared(root, code)) return undefined;
  const [name, ...more] = path;
  if (name === undefined) return hintForServer(root, namespaces);
  const meant = meantByChain(root, path.map(String), program);
  if (meant !== undefined || more.length > 0) return meant;
  return typeof name === "string" ? hintForMember(root, name, namespaces) : undefined;
}

/**
 * `tools.shop__order(…)`, `shop.tools.order(…)`, `globalThis.callTool("order")`: the root exists, the path does not.
 */
function meantByChain(root: string, path: readonly string[], program: FailedProgram): string | undefined {
  const isRoot = root === "globalThis" || holdsTools(root, program.namespaces);
  if (!isRoot) return undefined;
  const texts = chainInCode(root, program)?.texts ?? [];
  const names = root === "globalThis" ? path : [root, ...path];
  const meant = meantByCall({ names, texts }, offeredTools(program.namespaces));
  return meant.length === 0 ? undefined : sayWrite(meant);
}

function holdsTools(root: string, { servers, locals }: ToolNamespaces): boolean {
  return root === "tools" || [...servers, ...locals].some(({ global }) => global === root);
}

/** For `tools` and `runs` alone: any other name on a server counts as a tool, and the gate refuses it. */
function hintForMember(root: string, name: string, { functions = [] }: ToolNamespaces): string | undefined {
  const names = functions.filter(({ on }) => on === root).map((each) => each.name);
  if (names.length === 0) return undefined;
  const [near] = nearestNames(name, names, 1);
  return near === undefined ? `${root} has ${list(names)}.` : `Did you mean ${root}.${near}?`;
}

function hintForServer(root: string, { servers }: ToolNamespaces): string | undefined {
  if (root === "tools") return 'tools holds the servers: call tools["server"]["tool"](…).';
  const server = servers.find(({ global }) => global === root);
  if (server === undefined) return undefined;
  const methods = server.tools.map(({ method }) => method);
  return `${root} is a server, not a tool: call ${root}.<tool>(…). It has ${list(methods)}.`;
}

function offeredTools({ servers, locals }: ToolNamespaces): readonly NamedTool[] {
  return [
    ...servers.flatMap(({ name: server, global, tools }) =>
      tools.map(({ name, method }) => ({ server, global, name, method })),
    ),
    ...locals
      .filter(({ hidden }) => hidden !== true)
      .map(({ name, global }) => ({ server: "local", global, name, method: null })),
  ];
}

function offeredServers({ servers }: ToolNamespaces): readonly string[] {
  return servers.flatMap(({ global, tools }) => (tools.length > 0 ? [global] : []));
}

/** The chain at the place of the failure, or else where the program first has the name. */
function chainInCode(name: string, { code, place }: FailedProgram): ReturnType<typeof chainAfter> {
  const at = place === undefined ? -1 : offsetOf(code, place.line, place.column);
  const [here, first] = [at, firstUse(name, code)].map((offset) =>
    offset < 0 ? undefined : chainAfter(code.slice(offset, offset + 1_000)),
  );
  return here?.names[0] === name ? here : first;
}

function firstUse(name: string, code: string): number {
  for (let at = code.indexOf(name); at >= 0; at = code.indexOf(name, at + 1))
    if (!/[\w$.]/.test(before(code, at)) && !/[\w$]/.test(code[at + name.length] ?? "")) return at;
  return -1;
}

function before(code: string, at: number): string {
  return code
    .slice(Math.max(0, at - 12), at)
    .replace(/globalThis\.$/, "")
    .slice(-1);
}

function offsetOf(code: string, line: number, column: number): number {
  const lines = code.split(/(?<=\r\n|[\n\u2028\u2029]|\r(?!\n))/);
  return lines.slice(0, line - 1).join("").length + column - 1;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(", ");
  return names.length > MAX_LISTED ? `${shown}, … (${names.length} in all)` : shown;
}
