/** Patterns and names that match no existing tool: not an error, but probably a mistake. */
import type { Catalog, CatalogTool } from "./catalog.ts";
import { nearestNames } from "./nearest.ts";
import { matchesGlob, patternMatcher } from "./patterns.ts";
import { mayHoldTools, visible } from "./policy.ts";
import type { PolicyLayer } from "./policy-layer.ts";

export interface PatternList {
  /** Its name in the sentence: `tools.autoExecute`, `x-mcp-include-tools`. */
  readonly rule: string;
  readonly patterns?: readonly string[];
  /** Servers by exact name. */
  readonly servers?: readonly string[];
}

/** The known tools and servers. */
export interface Known {
  readonly tools: readonly CatalogTool[];
  /** Servers whose tools are unknown: patterns that name them are not judged. */
  readonly unlisted: readonly string[];
}

/** Most sentences reported, and most characters of a pattern that are echoed. */
const TOLD = 5;
const ECHOED_CHARS = 100;

export function knownTools(catalog: Catalog, layers: readonly PolicyLayer[] = []): Known {
  const listed = new Set(catalog.tools.map(({ server }) => server));
  return {
    tools: visible(catalog, { layers }),
    unlisted: catalog.servers.map(({ name }) => name).filter((name) => !listed.has(name)),
  };
}

/** Describes the filters of one request that match nothing its caller may use. */
export function describeUnmatchedFilters(
  filters: readonly PolicyLayer[],
  catalog: Catalog,
  base: readonly PolicyLayer[],
): readonly string[] {
  if (filters.length === 0) return [];
  const lists = filters.map(({ rule, allow, servers }) => ({
    rule,
    ...(allow === undefined ? {} : { patterns: allow }),
    ...(servers === undefined ? {} : { servers }),
  }));
  const sentences = describeUnmatched(lists, knownTools(catalog, base));
  if (sentences.length > 0 || filters.length < 2) return sentences;
  const isMeant = filters.some(({ allow, servers }) => allow?.length === 0 || servers?.length === 0);
  const leavesNone = visible(catalog, { layers: [...base, ...filters] }).length === 0;
  const isPending = catalog.servers.some(({ name }) => mayHoldTools(name, { layers: [...base, ...filters] }));
  if (isMeant || !leavesNone || isPending) return [];
  return [`${filters.map(({ rule }) => rule).join(" and ")} together leave no tool.`];
}

/**
 * One sentence each, with the nearest existing name: `tools_filter: "files/raed" matches no tool; did you mean
 * "files/read"?`
 */
export function describeUnmatched(lists: readonly PatternList[], known: Known): readonly string[] {
  const told = lists.flatMap(({ rule, patterns = [], servers = [] }) => [
    ...patterns
      .filter((pattern) => isUnmatched(pattern, known))
      .map((pattern) => sentence(rule, pattern, "matches no tool", nearestPattern(pattern, known.tools))),
    ...servers
      .filter((name) => !serversOf(known).includes(name))
      .map((name) => sentence(rule, name, "is no server", nearestNames(name, serversOf(known), 1)[0])),
  ]);
  const more = told.length - TOLD;
  return more > 0 ? [...told.slice(0, TOLD), `and ${more} more.`] : told;
}

function sentence(rule: string, wanted: string, fault: string, near: string | undefined): string {
  const echoed = JSON.stringify(wanted.length > ECHOED_CHARS ? `${wanted.slice(0, ECHOED_CHARS)}…` : wanted);
  const hint = near === undefined ? "." : `; did you mean ${JSON.stringify(near)}?`;
  return `${rule}: ${echoed} ${fault}${hint}`;
}

function isUnmatched(pattern: string, { tools, unlisted }: Known): boolean {
  if (pattern === "*") return false;
  const [server] = split(pattern);
  if (unlisted.some((name) => matchesGlob(server, name))) return false;
  const matches = patternMatcher([pattern]);
  return !tools.some(({ id }) => matches(id));
}

function serversOf({ tools, unlisted }: Known): readonly string[] {
  return [...new Set([...tools.map(({ server }) => server), ...unlisted])];
}

function nearestPattern(pattern: string, tools: readonly CatalogTool[]): string | undefined {
  const [server, tool] = split(pattern);
  const servers = [...new Set(tools.map((each) => each.server))];
  if (tool === undefined) {
    if (servers.includes(server)) return `${server}/*`;
    const named = tools.find(({ functionName, name }) => functionName === pattern || name === pattern);
    if (named !== undefined) return named.id;
    const [near] = nearestNames(server, servers, 1);
    return near === undefined ? undefined : `${near}/*`;
  }
  const meant = servers.filter((name) => matchesGlob(server, name));
  if (meant.length === 0) {
    const [near] = nearestNames(server, servers, 1);
    if (near === undefined) return tools.find(({ name }) => name === tool)?.id;
    return matchesAny(`${near}/${tool}`, tools) ? `${near}/${tool}` : `${near}/*`;
  }
  const names = [...new Set(tools.filter((each) => meant.includes(each.server)).map(({ name }) => name))];
  const near = nearestTool(tool, names);
  return near === undefined ? undefined : `${server}/${near}`;
}

/** For `raed_*`, name beginnings of the same length are compared. */
function nearestTool(tool: string, names: readonly string[]): string | undefined {
  const star = tool.indexOf("*");
  if (star < 0) return nearestNames(tool, names, 1)[0];
  const beginnings = [...new Set(names.map((name) => name.slice(0, star)))];
  const [near] = star === 0 ? [] : nearestNames(tool.slice(0, star), beginnings, 1);
  return near === undefined ? undefined : `${near}*`;
}

function matchesAny(pattern: string, tools: readonly CatalogTool[]): boolean {
  const matches = patternMatcher([pattern]);
  return tools.some(({ id }) => matches(id));
}

function split(pattern: string): readonly [server: string, tool: string | undefined] {
  const slash = pattern.indexOf("/");
  return slash < 0 ? [pattern, undefined] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
}
