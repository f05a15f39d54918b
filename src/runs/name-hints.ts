/** Names that are not there: a tool without its server, a slip, a server called as a tool. */
import type { ToolNamespaces } from "../../sandbox/index.ts";
import { environmentNames } from "../code/environment-names.ts";
import { nearestNames } from "../tools/nearest.ts";
import { chainOf, type FailedProgram, isDeclared, toolCalled } from "./failing-value.ts";

const MAX_LISTED = 12;

/** For a name that is defined nowhere. */
export function hintForName(name: string, { namespaces }: FailedProgram): string | undefined {
  const { servers, locals } = namespaces;
  for (const { global, tools } of servers) {
    const tool = tools.find((each) => each.method === name || each.name === name);
    if (tool !== undefined) return `Write ${global}.${tool.method}(…).`;
  }
  const functions = locals.filter(({ hidden }) => hidden !== true).map(({ global }) => global);
  if (name === "local" && functions.length > 0)
    return `Its tools are called by their names alone: ${list(functions)}.`;
  const offered = servers.filter(({ tools }) => tools.length > 0).map(({ global }) => global);
  const [near] = nearestNames(name, [...offered, ...functions, ...environmentNames], 1);
  return near === undefined ? undefined : `Did you mean ${near}?`;
}

/** For `github(…)`, `tools.serch(…)`, `runs.get(…)`, `list({}).map(…)`: what was called is no function. */
export function hintForNoFunction(words: string, { code, namespaces }: FailedProgram): string | undefined {
  const { callee, member } = /^(?<callee>.+)\(\.\.\.\)\.(?<member>[\w$]+)$/.exec(words)?.groups ?? {};
  if (callee !== undefined)
    return toolCalled(callee, namespaces) === undefined
      ? undefined
      : `${callee}(…) gives a Promise: write (await ${callee}(…)).${member}.`;
  const { root, path } = chainOf(words) ?? { root: undefined, path: [] };
  const [name, ...more] = path;
  if (root === undefined || more.length > 0 || isDeclared(root, code)) return undefined;
  return typeof name === "string" ? hintForMember(root, name, namespaces) : hintForServer(root, namespaces);
}

/** Of `tools` and `runs`: any other name on a server is a tool, which the gate refuses. */
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

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(", ");
  return names.length > MAX_LISTED ? `${shown}, … (${names.length} in all)` : shown;
}
