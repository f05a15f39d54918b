/**
 * Explains why a call cannot be made: the rule, and the allowed names that were probably meant. Other names are never
 * mentioned.
 */
import type { Catalog, CatalogTool } from "./catalog.ts";
import { meantTools } from "./meant-tools.ts";
import { nearestNames } from "./nearest.ts";
import { refusingRule, visible } from "./policy.ts";
import type { Policy } from "./policy-layer.ts";
import { type Spelling, spellTool, spellUnknown } from "./spelling.ts";

export interface ExplainedRefusal {
  readonly kind: "denied" | "unknown_tool";
  readonly message: string;
}

/** Most tools that a refusal suggests. */
const SUGGESTIONS = 3;

/** For ids that `decide` denies or that no tool has. `asked`: the name as the reader wrote it, when known. */
export function explainRefusal(
  id: string,
  { catalog, policy }: { readonly catalog: Catalog; readonly policy: Policy },
  spelling: Spelling,
  asked: string = spellUnknown(id, catalog, spelling),
): ExplainedRefusal {
  const allowed = visible(catalog, policy);
  const near = suggest(id, allowed, spelling);
  const tool = catalog.byId(id) ?? byCallableName(id, catalog);
  const rule = tool && refusingRule(tool.id, policy);
  if (tool === undefined || rule === undefined)
    return { kind: "unknown_tool", message: `There is no ${nounOf(spelling)} ${asked}. ${near}` };
  const name = spellTool(tool, spelling);
  return {
    kind: "denied",
    message: `${name} is outside the allowed set: ${rule} does not include it. ${near}`,
  };
}

function nounOf(spelling: Spelling): string {
  return spelling === "program" ? "tool" : "function";
}

/** A program that calls a hidden tool by its method knows only that name, never the original one. */
function byCallableName(id: string, catalog: Catalog): CatalogTool | undefined {
  return catalog.tools.find(({ server, method }) => method !== null && `${server}/${method}` === id);
}

function suggest(id: string, allowed: readonly CatalogTool[], spelling: Spelling): string {
  if (allowed.length === 0) return "This request may use no tool at all.";
  const names = nearestTo(id, allowed).map((tool) => spellTool(tool, spelling));
  return names.length === 0
    ? "No allowed tool has a name like it."
    : `Nearest allowed: ${names.slice(0, SUGGESTIONS).join(", ")}.`;
}

/**
 * The tools that the id means; else tools with a similar id, or with a similar tool name on any server; else those of
 * its own server.
 */
export function nearestTo(id: string, allowed: readonly CatalogTool[]): readonly CatalogTool[] {
  const meant = meantTools([id], allowed);
  if (meant.length > 0) return meant;
  const near = [...nearestById(id, allowed), ...nearestByToolName(id, allowed)];
  if (near.length > 0) return [...new Set(near)];
  const server = id.slice(0, id.indexOf("/") + 1);
  return allowed.filter((each) => server !== "" && each.id.startsWith(server));
}

function nearestById(id: string, allowed: readonly CatalogTool[]): readonly CatalogTool[] {
  const near = nearestNames(
    id,
    allowed.map((tool) => tool.id),
    SUGGESTIONS,
  );
  return near.flatMap((name) => allowed.filter((tool) => tool.id === name));
}

function nearestByToolName(id: string, allowed: readonly CatalogTool[]): readonly CatalogTool[] {
  const wanted = id.slice(id.indexOf("/") + 1);
  const near = nearestNames(wanted, [...new Set(allowed.map(({ name }) => name))], SUGGESTIONS);
  return near.flatMap((name) => allowed.filter((tool) => tool.name === name));
}
