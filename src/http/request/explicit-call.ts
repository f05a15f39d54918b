/** One call that a person asked for: a run of its own, so that it is in the journal. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { ToolariumError, toolFailureCode } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { ToolFailure } from "../../journal.ts";
import type { SettledCall } from "../../runs/record/call-result.ts";
import { decide } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { callerOf, requireRight, takeSlot, userOf } from "./access.ts";
import { disconnectSignal } from "./sse.ts";

export interface ExplicitCall {
  /** `server/tool`; an id nobody knows is refused by the gate, with the nearest names. */
  readonly id: string;
  /** JSON text. */
  readonly args: string;
  readonly policy: Policy;
}

/** The client's leaving aborts it. @throws `forbidden` when the caller may not make it */
export async function callTool(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, args, policy }: ExplicitCall,
): Promise<SettledCall> {
  const caller = callerOf(request);
  requireRight(caller, "run");
  const tool = gateway.catalog().byId(id);
  // Whoever asks for a call that policy wants a person to see is that person, and must be one who may decide.
  if (tool !== undefined && decide(tool, policy).verdict === "ask") requireRight(caller, "decide");

  await using _slot = await takeSlot(request);
  const run = await gateway.runner.openCalls({
    principal: caller.principal,
    keyName: caller.keyName,
    user: userOf(request),
    kind: "call",
    policy,
    limits: gateway.config.limits,
    consent: "granted",
    signal: disconnectSignal(reply),
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

/** A call that may have been made must not be sent again by a client that repeats whatever is a 503. */
function forOneTry(error: unknown): unknown {
  if (!(error instanceof ToolariumError) || error.run?.effects !== "possible") return error;
  const { code, message, run } = error;
  return new ToolariumError(code, message, { status: 422, run, cause: error });
}

export function toolRefusal({ kind, message }: ToolFailure, param?: string): ToolariumError {
  // A cancelled call is one that the gateway gave up: its client is still here to be told.
  const code = kind === "cancelled" ? "unavailable" : toolFailureCode[kind];
  return new ToolariumError(code, message, param === undefined ? {} : { param });
}
