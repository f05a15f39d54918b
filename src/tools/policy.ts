/**
 * May this call run? Only this file decides. A tool is callable when every layer allows it, and runs without approval
 * only when every layer auto-executes it.
 */

import { createHash } from "node:crypto";
import type { Catalog, CatalogTool } from "./catalog.ts";
import { matchesGlob, patternMatcher, serverOf } from "./patterns.ts";
import type { Policy, PolicyLayer } from "./policy-layer.ts";

export type PolicyVerdict =
  | { readonly verdict: "auto" }
  | { readonly verdict: "ask"; readonly reason: string }
  | { readonly verdict: "deny"; readonly rule: string; readonly reason: string };

const versions = new WeakMap<Policy, string>();

/**
 * Identifies the rules of a policy: equal policies have equal versions. First 16 hex digits of the sha256 of their
 * JSON.
 */
export function policyVersion(policy: Policy): string {
  const known = versions.get(policy);
  if (known !== undefined) return known;
  const version = createHash("sha256").update(JSON.stringify(policy.layers)).digest("hex").slice(0, 16);
  versions.set(policy, version);
  return version;
}

/** The tools that every layer allows, in the catalog's order. */
export function visible(catalog: Catalog, policy: Policy): readonly CatalogTool[] {
  return catalog.tools.filter((tool) => refusingLayer(tool, policy) === undefined);
}

/**
 * `deny`: a layer does not allow the tool, and `rule` names it. `ask`: the call needs approval, and `reason` names the
 * layer. A policy in which no layer has `autoExecute` runs no server's tool without approval.
 */
export function decide(tool: CatalogTool, policy: Policy): PolicyVerdict {
  const refusing = refusingLayer(tool, policy);
  if (refusing !== undefined)
    return { verdict: "deny", rule: refusing.rule, reason: `not allowed by ${refusing.rule}` };
  if (tool.needsApproval === true) return ask(`${tool.id} is defined to need approval`);

  const givenInCode = tool.needsApproval === false;
  const speaking = policy.layers.filter(
    ({ autoExecute, deployment }) => autoExecute !== undefined && !(givenInCode && deployment),
  );
  if (speaking.length === 0 && !givenInCode) return ask(`${tool.id} is not in autoExecute`);
  const asking = speaking.find(({ autoExecute = [] }) => !patternMatcher(autoExecute)(tool.id));
  if (asking === undefined) return { verdict: "auto" };
  const whose = asking.deployment ? "" : ` of ${asking.rule}`;
  return ask(`${tool.id} is not in autoExecute${whose}`);
}

/** A sentence for the person who decides. */
function ask(why: string): PolicyVerdict {
  return { verdict: "ask", reason: `${why}: each call of it needs a person's agreement.` };
}

/** The rule that refuses this id, whether or not a tool has it; undefined when every layer allows it. */
export function refusingRule(id: string, policy: Policy): string | undefined {
  const server = id.slice(0, Math.max(0, id.indexOf("/")));
  return refusingLayer({ id, server }, policy)?.rule;
}

/** Whether the policy can allow tools of this server, even if they are not known yet. */
export function mayHoldTools(server: string, { layers }: Policy): boolean {
  return layers.every(
    ({ allow, servers }) =>
      (servers === undefined || servers.includes(server)) &&
      (allow === undefined ||
        allow.some((pattern) => pattern === "*" || matchesGlob(serverOf(pattern), server))),
  );
}

function refusingLayer(
  tool: Pick<CatalogTool, "id" | "server">,
  { layers }: Policy,
): PolicyLayer | undefined {
  return layers.find(
    ({ allow, servers }) =>
      (servers !== undefined && !servers.includes(tool.server)) ||
      (allow !== undefined && !patternMatcher(allow)(tool.id)),
  );
}
