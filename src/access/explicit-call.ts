/**
 * One call that a person makes directly. It is a run of its own, so that the journal has it. It needs no approval,
 * because the person asks for it themselves; only their rights and the allowed tools count.
 */
import type { RunLimits } from "../../sandbox/index.ts";
import { ToolariumError, toolFailureCode } from "../errors.ts";
import type { ToolFailure } from "../journal.ts";
import type { SettledCall } from "../runs/record/call-result.ts";
import type { Runner } from "../runs/runner.ts";
import type { Catalog } from "../tools/catalog.ts";
import { decide } from "../tools/policy.ts";
import type { Policy } from "../tools/policy-layer.ts";
import type { Access } from "./access.ts";
import { type Caller, requireRight } from "./caller.ts";

export interface ExplicitCall {
  readonly caller: Caller;
  /** See `userNamed`. */
  readonly user?: string | undefined;
  /** `server/tool`. The gate refuses an unknown id and names the nearest tools. */
  readonly id: string;
  /** JSON text. */
  readonly args: string;
  readonly policy: Policy;
  /** Aborting cancels the call. */
  readonly signal?: AbortSignal;
}

/** Parts of a gateway. */
export interface ExplicitCallDeps {
  readonly access: Pick<Access, "takeSlot">;
  readonly runner: Pick<Runner, "openCalls">;
  readonly config: { readonly limits: RunLimits };
  catalog(): Pick<Catalog, "byId">;
}

/**
 * Resolves with the outcome of the call, also when the tool failed.
 *
 * @throws `forbidden` when the caller may not make it; `rate_limited`; the error that ended the run, with status 422 if
 *   the call may have been made, so that no client retries it
 */
export async function callTool(
  { access, runner, config, catalog }: ExplicitCallDeps,
  { caller, user, id, args, policy, signal }: ExplicitCall,
): Promise<SettledCall> {
  requireRight(caller, "run");
  const tool = catalog().byId(id);
  // The caller approves its own call where the policy requires approval, so it needs the right to decide.
  if (tool !== undefined && decide(tool, policy).verdict === "ask") requireRight(caller, "decide");

  await using _slot = await access.takeSlot(caller);
  const run = await runner.openCalls({
    principal: caller.principal,
    keyName: caller.keyName,
    user,
    kind: "call",
    policy,
    limits: config.limits,
    consent: "granted",
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const outcome = await run.call(run.nextCallId(), id, args);
    await run.end(outcome.type === "value" ? "completed" : "failed");
    if (outcome.type === "pending") throw new Error("a call with consent granted was held");
    return outcome;
  } catch (error) {
    throw forOneTry(error);
  }
}

/** Clients retry every 503. A call that may have been made must not be retried, so its error gets status 422. */
function forOneTry(error: unknown): unknown {
  if (!(error instanceof ToolariumError) || error.run?.effects !== "possible") return error;
  const { code, message, run } = error;
  return new ToolariumError(code, message, { status: 422, run, cause: error });
}

/** A tool's failure as the refusal that the caller gets. `param`: the field of the request that named the tool. */
export function toolRefusal({ kind, message }: ToolFailure, param?: string): ToolariumError {
  // The gateway cancelled the call, not the client, which still waits for an answer.
  const code = kind === "cancelled" ? "unavailable" : toolFailureCode[kind];
  return new ToolariumError(code, message, param === undefined ? {} : { param });
}
