/**
 * The bridge: the one place in the gateway where a tool is called, by a program, a model or a person.
 *
 *   requested → known and allowed? → arguments parsed, filled, validated → decided → started → call → settled
 *
 * Every step is in the journal before the next one begins, and a refusal is a settlement too. One and the same JSON
 * text is validated, hashed, shown, journalled and sent. A call can stop at a step for days (it needs approval) or for
 * good (the process died): `resume` continues from the step in its journal and asks the policy again. Built-in tools
 * (`builtin.ts`) take the same steps, and are allowed to every program.
 */
import { createHash } from "node:crypto";
import type { JournalEventBody } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { CallOutcome, Hub } from "../../mcp/server.ts";
import type { MemoryBudget } from "../../memory-budget.ts";
import type { CatalogTool } from "../catalog.ts";
import type { CheckedArguments } from "../checking/arguments.ts";
import { policyVersion } from "../policy.ts";
import { refuseBeyondRoom, refuseWithoutRoom } from "../room.ts";
import { type FinalOutcome, measure, type Refusal, refuseCall, settle } from "../settlement.ts";
import { type CheckDeps, check } from "./admission.ts";
import { readDeclared } from "./declared-result.ts";
import type { GateCall, GateOutcome, HumanDecision, OpenCall } from "./gate-call.ts";
import { recordDecision } from "./record-decision.ts";

export interface Bridge {
  /** Never rejects. */
  call(call: GateCall): Promise<GateOutcome>;
  /** Resumes a call from the step in its journal. The policy is asked again. Never rejects. */
  resume(call: GateCall, from: OpenCall): Promise<GateOutcome>;
  /**
   * Journals a person's decision about a pending call, without carrying it out. `ok: false` when it cannot be carried
   * out, because edited arguments or a result do not fit: then nothing is journalled and the call stays pending. Never
   * rejects.
   */
  decide(call: GateCall, decision: HumanDecision): Promise<{ readonly ok: true } | Refusal>;
  /** The canonical text of these arguments for this call's tool; undefined for arguments that cannot be sent. */
  canonical(call: GateCall, args: string): Promise<string | undefined>;
}

export interface BridgeDeps extends CheckDeps {
  readonly hub: Pick<Hub, "call" | "whenListed">;
  /** Milliseconds to which progress can extend a call's timeout. Absent: progress does not extend it. */
  readonly maxTimeoutMs?: number;
  /** The process's memory budget. Absent: unbounded. */
  readonly memory?: MemoryBudget | undefined;
  /**
   * Gets each result that a tool itself returned, with the principal and the length of its text; never a result from a
   * person or an earlier run. Must not throw.
   */
  readonly learn?: (principal: string, tool: CatalogTool, value: unknown, chars: number) => void;
}

export function createBridge(deps: BridgeDeps): Bridge {
  return {
    call(call) {
      const { journal, n, id, tool, args } = call;
      const argsBytes = Buffer.byteLength(args);
      journal.append({ type: "requested", n, call: id, tool, args, argsBytes });
      return admit(call, deps);
    },
    resume: (call, from) => resume(call, from, deps),
    decide: (call, decision) => recordDecision(call, decision, deps),
    async canonical(call, args) {
      const checked = await check({ ...call, args }, deps);
      return checked.ok ? checked.args.text : undefined;
    },
  };
}

async function admit(call: GateCall, deps: BridgeDeps): Promise<GateOutcome> {
  const { journal, n, id } = call;
  const checked = await check(call, deps);
  if (!checked.ok) return settle(call, checked);
  const { tool, args, verdict } = checked;
  const reused = call.reuse?.(tool, args.text);
  if (reused !== undefined) {
    journal.append({ type: "decided", n, call: id, args: args.text, decision: "auto", by: "reuse" });
    return settle(call, { ok: true, value: reused }, { reused: true });
  }
  const consent = weigh(call, verdict);
  const policy = policyVersion(call.policy);
  const decided: Decided = { type: "decided", n, call: id, args: args.text, policy, ...consent };
  journal.append(decided);
  if (consent.decision === "ask")
    return { type: "pending", tool: tool.id, arguments: args.value, reason: consent.reason };
  if (consent.decision === "denied") {
    const message = `${consent.reason} This run asks nobody: its approval is "deny".`;
    return settle(call, refuseCall({ kind: "denied", message }));
  }
  return execute(call, tool, args, decided, deps);
}

async function resume(call: GateCall, from: OpenCall, deps: BridgeDeps): Promise<GateOutcome> {
  switch (from.step) {
    case "requested":
      return admit(call, deps);
    case "asked":
      return { type: "pending", tool: call.tool, arguments: parseJson(from.args), reason: from.reason };
    case "decided":
      return perform(call, from.decision, deps);
    case "started":
      return takeUp(call, from.args, deps);
  }
}

const IN_DOUBT =
  "in doubt: the gateway stopped while this call was under way. Approve to call again, supply its result, or deny to fail it.";

/**
 * Only calls that the operator declared safe to repeat are repeated; for any other a person has to report the result.
 */
async function takeUp(call: GateCall, args: string, deps: BridgeDeps): Promise<GateOutcome> {
  const checked = await check({ ...call, args }, deps);
  if (checked.ok && (checked.tool.readOnly || checked.tool.idempotent))
    return execute(call, checked.tool, checked.args, decidedBy(call, checked.args, "auto", "policy"), deps);
  const { journal, n, id, tool } = call;
  journal.append({ type: "decided", n, call: id, args, decision: "ask", by: "policy", reason: IN_DOUBT });
  return { type: "pending", tool, arguments: parseJson(args), reason: IN_DOUBT };
}

async function perform(
  call: GateCall,
  decision: HumanDecision,
  deps: BridgeDeps,
): Promise<FinalOutcome | Unkept> {
  switch (decision.type) {
    case "deny": {
      const message = decision.reason ?? `${decision.by} denied this call.`;
      return settle(call, refuseCall({ kind: "denied", message }));
    }
    case "result":
      return settle(call, { ok: true, value: decision.value });
    case "approve": {
      const checked = await check({ ...call, args: decision.args ?? call.args }, deps);
      if (!checked.ok) return settle(call, checked);
      const decided = decidedBy(call, checked.args, "approved", decision.by);
      return execute(call, checked.tool, checked.args, decided, deps);
    }
  }
}

type Decided = Extract<JournalEventBody, { readonly type: "decided" }>;
type Unkept = Extract<GateOutcome, { readonly type: "unkept" }>;

function decidedBy(
  { n, id }: GateCall,
  { text: args }: CheckedArguments,
  decision: "auto" | "approved",
  by: string,
): Decided {
  return { type: "decided", n, call: id, args, decision, by };
}

/** `decided`: the decision by which the call may start. */
async function execute(
  call: GateCall,
  tool: CatalogTool,
  args: CheckedArguments,
  decided: Decided,
  deps: BridgeDeps,
): Promise<FinalOutcome | Unkept> {
  const { journal, n, id } = call;
  const { readOnly } = tool;
  const full = refuseWithoutRoom(tool, deps.memory);
  if (full !== undefined) return settle(call, full);
  journal.append({ type: "started", n, call: id, tool: tool.id, argsHash: sha256(args.text), readOnly });
  if (!readOnly) {
    try {
      await journal.flush();
    } catch {
      // The call has not started. If a restart finds only `started`, a person is asked for the result of the call.
      journal.append({ ...decided, heldBack: true });
      return { type: "unkept" };
    }
  }
  // In the same turn as the call: from the moment another process owns the run, that process may make the call.
  const isHeld = journal.isHeld();
  if (isHeld !== true && !(await isHeld)) return { type: "unkept" };
  const outcome = await send(call, tool, args, deps);
  if (!outcome.ok) return settle(call, measure(outcome, call.resultBytes));
  const { value, note } = readDeclared(tool, outcome.value, args.checkMs);
  const measured = refuseBeyondRoom(measure({ ok: true, value }, call.resultBytes), tool, deps.memory);
  if (!measured.ok) return settle(call, measured);
  const isOurs = call.builtins?.has(tool.id) === true;
  // A result that fits its declaration teaches nothing.
  if (!isOurs && (tool.outputSchema === undefined || note !== undefined))
    deps.learn?.(call.principal, tool, value, measured.value.length);
  return settle(call, measured, note === undefined ? {} : { note });
}

function send(
  call: GateCall,
  tool: CatalogTool,
  args: CheckedArguments,
  { hub, maxTimeoutMs = 0 }: BridgeDeps,
): Promise<CallOutcome> {
  const builtin = call.builtins?.get(tool.id);
  if (builtin !== undefined) return builtin.answer(args.value, call);
  const { principal, signal, timeoutMs } = call;
  const hasOutputSchema = tool.outputSchema !== undefined;
  const isRepeatable = tool.readOnly || tool.idempotent;
  return hub.call(tool.server, tool.name, args.value, {
    principal,
    signal,
    timeoutMs,
    maxTimeoutMs: Math.max(timeoutMs, Math.min(maxTimeoutMs, call.leftMs ?? maxTimeoutMs)),
    hasOutputSchema,
    isRepeatable,
  });
}

type Consent =
  | { readonly decision: "auto" | "approved"; readonly by: string }
  | { readonly decision: "ask" | "denied"; readonly by: string; readonly reason: string };

function weigh(call: GateCall, verdict: { verdict: "auto" } | { verdict: "ask"; reason: string }): Consent {
  if (verdict.verdict === "auto") return { decision: "auto", by: "policy" };
  const { reason } = verdict;
  if (call.consent === "ask") return { decision: "ask", by: "policy", reason };
  if (call.consent === "deny") return { decision: "denied", by: "policy", reason };
  return { decision: "approved", by: call.consent.grantedBy };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
