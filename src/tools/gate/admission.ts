/**
 * Is the tool known and allowed? Then: do the arguments fit it? In this order, so that a refusal reveals no schema.
 * Asked again whenever a call is resumed: the policy may have changed.
 */
import type { Log } from "../../log.ts";
import type { Hub } from "../../mcp/server.ts";
import type { Catalog, CatalogTool } from "../catalog.ts";
import type { ArgumentChecker, CheckedArguments } from "../checking/arguments.ts";
import { whenThereIsTime } from "../checking/deadline.ts";
import { explainRefusal } from "../explain-refusal.ts";
import { decide, type PolicyVerdict, refusingRule } from "../policy.ts";
import { type Refusal, refuseCall } from "../settlement.ts";
import type { GateCall } from "./gate-call.ts";

export interface CheckDeps {
  readonly hub: Pick<Hub, "whenListed">;
  readonly checker: ArgumentChecker;
  readonly log: Log;
  /** The current tools, for servers that connected after a run had started. */
  readonly catalog: () => Catalog;
}

export type Checked =
  | {
      readonly ok: true;
      readonly tool: CatalogTool;
      readonly args: CheckedArguments;
      readonly verdict: Exclude<PolicyVerdict, { verdict: "deny" }>;
    }
  | Refusal;

/** Built-in tools are allowed to every program that has them. */
export async function check(call: GateCall, deps: CheckDeps): Promise<Checked> {
  const builtin = call.builtins?.get(call.tool);
  if (builtin !== undefined) return checkArguments(call, builtin.tool, { verdict: "auto" }, deps);
  const catalog = await catalogFor(call, deps);
  if ("failure" in catalog) return catalog;
  const tool = catalog.byId(call.tool);
  const verdict = tool === undefined ? undefined : decide(tool, call.policy);
  if (tool === undefined || verdict === undefined || verdict.verdict === "deny")
    return refuseCall(explainRefusal(call.tool, { catalog, policy: call.policy }, call.spelling));
  return checkArguments(call, tool, verdict, deps);
}

/**
 * The catalog for the tool: the run's own, except for a server that had not connected when the run started. The call
 * waits for that server, inside its own time limit.
 */
async function catalogFor(call: GateCall, { hub, catalog }: CheckDeps): Promise<Catalog | Refusal> {
  const { tool, policy, signal, timeoutMs } = call;
  const server = tool.slice(0, Math.max(0, tool.indexOf("/")));
  const known = call.catalog.tools.some((each) => each.server === server);
  if (known || refusingRule(tool, policy) !== undefined) return call.catalog;
  const failure = await hub.whenListed(server, { signal, timeoutMs });
  return failure === undefined ? catalog() : refuseCall(failure);
}

async function checkArguments(
  call: GateCall,
  tool: CatalogTool,
  verdict: Exclude<PolicyVerdict, { verdict: "deny" }>,
  deps: CheckDeps,
): Promise<Checked> {
  if (call.fault !== undefined) return refuseCall(call.fault);
  await whenThereIsTime();
  const args = deps.checker.check(tool, call.args, call.spelling);
  if (!args.ok) return refuseCall({ kind: "invalid_arguments", message: args.message });
  if (!args.validated)
    deps.log.warn({ tool: tool.id, reason: args.reason }, "arguments were sent without validation");
  if (tool.unavailable !== undefined) return refuseCall({ kind: "unsupported", message: tool.unavailable });
  return { ok: true, tool, args, verdict };
}
