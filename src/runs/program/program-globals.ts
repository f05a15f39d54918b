/** The names that a program has, and the declarations of the tools that it may use. */
import { createHash } from "node:crypto";
import type { Declarations } from "../../code/compile.ts";
import { type OtherServer, renderDeclarations } from "../../code/declare/declarations.ts";
import { type ShownDeclarations, showDeclarations } from "../../code/declare/shown-declarations.ts";
import { environmentNames } from "../../code/syntax/environment-names.ts";
import type { Catalog, CatalogTool } from "../../tools/catalog.ts";
import { visible } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";

/**
 * Names from the prelude and from the tools. Tools that it may not use are included: their use gets a clearer error.
 */
export function programGlobals(catalog: Catalog): readonly string[] {
  const servers = catalog.servers.flatMap(({ global }) => (global === null ? [] : [global]));
  return [...new Set([...servers, ...catalog.tools.map((tool) => tool.global), ...environmentNames])];
}

/** Those of them that hold no tool which this policy allows. */
export function hiddenGlobals(catalog: Catalog, policy: Policy): readonly string[] {
  const offered = new Set(visible(catalog, policy).map((tool) => tool.global));
  return programGlobals(catalog).filter((name) => !offered.has(name) && !environmentNames.includes(name));
}

/** How many policies per catalog are kept, the latest ones. */
const MAX_KEPT = 64;

const kept = new WeakMap<Catalog, Map<string, ProgramDeclarations>>();

export interface ProgramDeclarations extends Declarations {
  /** What a model is shown of them within this many tokens. Servers that it may not use are left out. */
  shown(tokenBudget: number): ShownDeclarations;
}

/** The declarations a program under this policy is checked against: all of them, shown to a model or not. */
export function programDeclarations(catalog: Catalog, policy: Policy): ProgramDeclarations {
  const byPolicy = kept.get(catalog) ?? new Map<string, ProgramDeclarations>();
  kept.set(catalog, byPolicy);
  const key = JSON.stringify(policy.layers);
  const known = byPolicy.get(key);
  if (known !== undefined) return known;
  const tools = visible(catalog, policy);
  const declarations = declare(tools, otherServers(catalog, tools));
  byPolicy.set(key, declarations);
  const [oldest] = byPolicy.keys();
  if (byPolicy.size > MAX_KEPT && oldest !== undefined) byPolicy.delete(oldest);
  return declarations;
}

function declare(tools: readonly CatalogTool[], others: readonly OtherServer[]): ProgramDeclarations {
  const text = renderDeclarations(tools, others, "check");
  const shown = new Map<number, ShownDeclarations>();
  return {
    hash: createHash("sha256").update(text).digest("hex"),
    text,
    shown(tokenBudget) {
      const known = shown.get(tokenBudget) ?? showDeclarations(tools, tokenBudget);
      shown.set(tokenBudget, known);
      return known;
    },
  };
}

/**
 * Every server has a global. A server without known tools is still connecting, or failed: a call waits for it, or
 * rejects with its failure.
 */
function otherServers(catalog: Catalog, tools: readonly CatalogTool[]): readonly OtherServer[] {
  const declared = new Set(
    tools.filter(({ unavailable }) => unavailable === undefined).map(({ server }) => server),
  );
  const known = new Set(catalog.tools.map(({ server }) => server));
  return catalog.servers.flatMap(({ name, global }): readonly OtherServer[] =>
    global === null || declared.has(name) ? [] : [{ name, global, type: known.has(name) ? "{}" : "any" }],
  );
}
