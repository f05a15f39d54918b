/**
 * Decisions of people on calls that need approval. A decision is bound to its run, call and arguments. It is in the
 * journal before anything follows from it. It counts once: the same decision again changes nothing, and another one is
 * refused.
 */

import { ToolariumError, toolFailureCode } from "../../errors.ts";
import type { JournalEvent } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { Bridge } from "../../tools/gate/bridge.ts";
import type { GateCall, HumanDecision } from "../../tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import type { CallRecord } from "../record/calls.ts";
import { parseCallId } from "../record/ids.ts";
import type { RunState } from "../record/run-state.ts";
import type { GateRest } from "./lease.ts";
import type { Journal } from "./live-journal.ts";

/** A run whose calls can be decided. */
export interface Decidable {
  readonly ended: boolean;
  readonly journal: Journal;
  /** The gate's view of one of its calls. */
  gate(id: string, tool: string, args: string, rest: GateRest): GateCall;
  /** Runs one decision at a time. */
  exclusively<T>(act: () => Promise<T>): Promise<T>;
  /** Called once, when the decision is durable. */
  goOn(call: string, decision: HumanDecision, layers: readonly PolicyLayer[]): void;
}

export interface DecisionRequest {
  readonly call: string;
  readonly decision: HumanDecision;
  /** What the deciding request adds to the run's policy. */
  readonly layers: readonly PolicyLayer[];
  /** Milliseconds to wait for a server that is still connecting. */
  readonly timeoutMs: number;
}

/**
 * Resolves when the decision is durable; the run resumes from there.
 *
 * A call in doubt can be decided by the id of that question, or by its own id. One exception: an earlier decision that
 * is repeated under the call's own id does not answer the question.
 *
 * @throws `not_found` for a call that the run does not have; `decision_conflict` when the call was decided otherwise,
 * never needed a decision, or its run has ended; `invalid_arguments` when edited arguments or a result do not fit, or
 * the tool is no longer allowed: then nothing was decided
 */
export function decideCall(run: Decidable, request: DecisionRequest, bridge: Bridge): Promise<void> {
  return run.exclusively(async () => {
    const { decision, layers, timeoutMs } = request;
    const { journal } = run;
    const { call, doubts: question } = parseCallId(request.call) ?? { call: request.call, doubts: 0 };
    const { state } = journal;
    const record = state.call(call);
    if (record === undefined || question > record.doubts.length)
      throw new ToolariumError(
        "not_found",
        `This run has no call ${JSON.stringify(request.call.slice(0, 80))}.`,
      );
    const open = run.ended ? undefined : record.open;
    const shown = open?.step === "asked" ? open.args : record.requested.args;
    const signal = new AbortController().signal;
    const rest = { journal, timeoutMs, signal };
    const gate = { ...run.gate(call, record.tool, shown, rest), narrowing: layers };
    // A repeated answer to an earlier question does not answer the present one.
    const doubtedAt = record.doubts[question];
    const earlier = record.decisions.findLast(({ seq }) => seq < (doubtedAt ?? 0));
    if (await wasSaid(gate, decision, earlier, bridge)) return;
    if (open?.step !== "asked") {
      await refuseUnlessSame(gate, decision, record, state, bridge);
      return;
    }
    const recorded = await bridge.decide(gate, decision);
    if (!recorded.ok) {
      const { kind, message } = recorded.failure;
      throw new ToolariumError(toolFailureCode[kind], `${message} The call waits on.`);
    }
    await journal.flush();
    // Taken from the journal, from which a restart would resume too.
    const decided = state.call(call)?.open;
    if (decided?.step === "decided") run.goOn(call, decided.decision, layers);
  });
}

async function refuseUnlessSame(
  gate: GateCall,
  decision: HumanDecision,
  { decisions, open }: CallRecord,
  state: RunState,
  bridge: Bridge,
): Promise<void> {
  const made = decisions.at(-1);
  if (await wasSaid(gate, decision, made, bridge)) return;
  const isOpen = state.end === undefined && open !== undefined;
  throw new ToolariumError("decision_conflict", `${gate.id} ${explain(made, state, isOpen)}`);
}

/** Whether `decision` repeats what was decided of the call then. */
async function wasSaid(
  gate: GateCall,
  decision: HumanDecision,
  made: Decided | undefined,
  bridge: Bridge,
): Promise<boolean> {
  return made !== undefined && (await isSame(gate, decision, made, bridge));
}

type Decided = Extract<JournalEvent, { type: "decided" }>;

async function isSame(
  gate: GateCall,
  decision: HumanDecision,
  made: Decided,
  bridge: Bridge,
): Promise<boolean> {
  switch (decision.type) {
    case "deny":
      return made.decision === "denied" && made.by !== "policy";
    case "result":
      return made.decision === "result" && made.value === JSON.stringify(parseJson(decision.value));
    case "approve":
      if (made.decision !== "approved") return false;
      if (decision.args === undefined) return made.edited !== true;
      return made.args === (await bridge.canonical(gate, decision.args));
  }
}

function explain(made: Decided | undefined, { end }: RunState, isOpen: boolean): string {
  switch (made?.decision) {
    case "approved":
      return `was approved by ${made.by} already${made.edited === true ? ", with other arguments" : ""}.`;
    case "denied":
      return `was denied by ${made.by} already.`;
    case "result":
      return `was given a result by ${made.by} already.`;
    case "ask": {
      const why = end?.error ? ` (${end.error.code})` : "";
      return `is not to be decided any more: its run has ended${why}.`;
    }
    default:
      return !isOpen ? "did not need a decision." : "does not wait for a decision.";
  }
}
