/** Journals a person's decision about a pending call, without carrying it out. */
import { parseJson } from "../../json.ts";
import { policyVersion } from "../policy.ts";
import { measure, type Refusal, refuseCall } from "../settlement.ts";
import { type CheckDeps, check } from "./admission.ts";
import type { GateCall, HumanDecision } from "./gate-call.ts";
import { faultOfResult } from "./supplied-result.ts";

/** A decision that cannot be carried out is not journalled: the call stays pending. */
export async function recordDecision(
  call: GateCall,
  decision: HumanDecision,
  deps: CheckDeps,
): Promise<{ readonly ok: true } | Refusal> {
  const { journal, n, id } = call;
  const policy = policyVersion(call.policy);
  const { narrowing = [] } = call;
  const layers = narrowing.length === 0 ? {} : { layers: narrowing };
  const head = { type: "decided", n, call: id, by: decision.by, policy, ...layers } as const;
  switch (decision.type) {
    case "deny": {
      const reason = decision.reason === undefined ? {} : { reason: decision.reason };
      journal.append({ ...head, decision: "denied", ...reason });
      return { ok: true };
    }
    case "result": {
      const value: unknown = parseJson(decision.value);
      const tool = call.catalog.byId(call.tool);
      const fault = tool === undefined ? undefined : faultOfResult(tool, value);
      if (fault !== undefined) return refuseCall({ kind: "invalid_arguments", message: fault });
      const measured = measure({ ok: true, value }, call.resultBytes);
      if (!measured.ok) return measured;
      journal.append({ ...head, decision: "result", value: measured.value });
      return { ok: true };
    }
    case "approve": {
      const checked = await check({ ...call, args: decision.args ?? call.args }, deps);
      if (!checked.ok) return checked;
      const edited = decision.args !== undefined && checked.args.text !== call.args;
      journal.append({
        ...head,
        decision: "approved",
        args: checked.args.text,
        ...(edited ? { edited } : {}),
      });
      return { ok: true };
    }
  }
}
