/**
 * The bridge: the one place in the gateway where a tool is called, whoever asks: a program, a model, a person.
 *
 *   requested → known and allowed? → arguments parsed, filled, validated → decided → started → call → settled
 *
 * Every step is in the journal before the next one is taken, and a refusal is a settlement too. What is validated,
 * hashed, shown, journalled and sent is one and the same JSON text. A call can stop at a step for days (a person is
 * asked) or for good (the process died there): `resume` takes it up where its journal says it was, and asks the
 * policy again. What the gateway answers itself (`builtin.ts`) takes the same steps, and is allowed to every program.
 */
import { createHash } from "node:crypto";
import type { JournalEventBody } from "../journal.ts";
import type { Log } from "../log.ts";
import type { CallOutcome, Hub } from "../mcp/hub.ts";
import type { ArgumentChecker, CheckedArguments } from "./arguments.ts";
import type { Builtins } from "./builtin.ts";
import type { Catalog, CatalogTool } from "./catalog.ts";
import {
  type Decision,
  decide,
  explainRefusal,
  type Policy,
  type PolicyLayer,
  policyVersion,
  refusingRule,
} from "./policy.ts";
import { type FinalOutcome, measure, type Refusal, refuse, settle } from "./settlement.ts";
import { faultOfResult } from "./supplied-result.ts";

export interface GateCall {
  /** Whose call it is. */
  readonly principal: string;
  readonly journal: CallJournal;
  /** Its number and its id within the run that asks. */
  readonly n: number;
  readonly id: string;
  /** `server/tool`, as asked. */
  readonly tool: string;
  /** JSON text, as asked. */
  readonly args: string;
  /** The arguments never became JSON: the call is journalled and settled with this. */
  readonly fault?: { readonly kind: "invalid_arguments" | "too_large"; readonly message: string };
  readonly catalog: Catalog;
  readonly policy: Policy;
  /** What the request of the person who decides adds to the policy: kept with the decision. */
  readonly narrowing?: readonly PolicyLayer[];
  /**
   * What happens to a call that needs a person. `ask`: it is pending. `deny`: it is refused. `granted`: the person
   * named here asked for exactly this call.
   */
  readonly consent: "ask" | "deny" | { readonly grantedBy: string };
  /** What the gateway itself answers; none unless the run is a program. */
  readonly builtins?: Builtins;
  /** A result of an earlier run that stands for this call, as JSON text. Asked once the call is known to be allowed. */
  readonly reuse?: (tool: CatalogTool, args: string) => string | undefined;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly resultBytes: number;
  readonly signal: AbortSignal;
}

export type GateOutcome =
  | FinalOutcome
  /** A person has to decide; `arguments` is what would be sent. `decide`, then `resume`, go on from here. */
  | { readonly type: "pending"; readonly tool: string; readonly arguments: unknown; readonly reason: string };

/** What a person said of a pending call. `args` and `value` are JSON text. */
export type HumanDecision =
  /** Send it; with these arguments instead, which are validated like any others. */
  | { readonly type: "approve"; readonly by: string; readonly args?: string }
  | { readonly type: "deny"; readonly by: string; readonly reason?: string }
  /** Do not send it: this is the result. */
  | { readonly type: "result"; readonly by: string; readonly value: string };

/** How far the journal says that a call has come. `args` is the canonical text. */
export type OpenCall =
  | { readonly step: "requested" }
  | { readonly step: "asked"; readonly args: string; readonly reason: string }
  | { readonly step: "decided"; readonly decision: HumanDecision }
  /** It left for its tool, and nobody knows what became of it. */
  | { readonly step: "started"; readonly args: string };

/** What the bridge needs of a run's journal. */
export interface CallJournal {
  append(body: JournalEventBody): unknown;
  /** Resolves when everything appended is durable; rejects when it can't be kept. */
  flush(): Promise<void>;
}

export interface Bridge {
  /** Never rejects. */
  call(call: GateCall): Promise<GateOutcome>;
  /** Goes on with a call of which the journal has this much. The policy is asked again. Never rejects. */
  resume(call: GateCall, from: OpenCall): Promise<GateOutcome>;
  /**
   * Journals what a person said of a pending call; nothing is done yet. `ok: false` when it cannot be done: edited
   * arguments or a result that do not fit; then nothing is journalled, and the call waits on. Never rejects.
   */
  decide(call: GateCall, decision: HumanDecision): Promise<{ readonly ok: true } | Refusal>;
  /** The canonical text of these arguments for this call's tool; undefined when they could not be sent. */
  canonical(call: GateCall, args: string): Promise<string | undefined>;
}

export interface BridgeDeps {
  readonly hub: Pick<Hub, "call" | "whenListed">;
  readonly checker: ArgumentChecker;
  readonly log: Log;
  /** The tools as they are known now, for servers that connected after a run had started. */
  readonly catalog: () => Catalog;
  /**
   * Told what a tool itself gave, for whom, and the length of its text; never what a person supplied or an earlier run had.
   * Must not throw.
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
    return settle(call, { ok: true, value: reused }, true);
  }
  const consent = weigh(call, verdict);
  const policy = policyVersion(call.policy);
  journal.append({ type: "decided", n, call: id, args: args.text, policy, ...consent });
  if (consent.decision === "ask")
    return { type: "pending", tool: tool.id, arguments: args.value, reason: consent.reason };
  if (consent.decision === "denied") {
    const message = `${tool.id} needs a person's approval: ${consent.reason}`;
    return settle(call, refuse({ kind: "denied", message }));
  }
  return execute(call, tool, args, deps);
}

async function resume(call: GateCall, from: OpenCall, deps: BridgeDeps): Promise<GateOutcome> {
  switch (from.step) {
    case "requested":
      return admit(call, deps);
    case "asked":
      return { type: "pending", tool: call.tool, arguments: JSON.parse(from.args), reason: from.reason };
    case "decided":
      return perform(call, from.decision, deps);
    case "started":
      return takeUp(call, from.args, deps);
  }
}

const IN_DOUBT =
  "in doubt: the gateway stopped while this call was under way. Approve to call again, supply its result, or deny to fail it.";

/** Only what the operator declared safe to repeat is repeated; for anything else a person has to say what happened. */
async function takeUp(call: GateCall, args: string, deps: BridgeDeps): Promise<GateOutcome> {
  const checked = await check({ ...call, args }, deps);
  if (checked.ok && (checked.tool.readOnly || checked.tool.idempotent))
    return execute(call, checked.tool, checked.args, deps);
  const { journal, n, id, tool } = call;
  journal.append({ type: "decided", n, call: id, args, decision: "ask", by: "policy", reason: IN_DOUBT });
  return { type: "pending", tool, arguments: JSON.parse(args), reason: IN_DOUBT };
}

async function perform(call: GateCall, decision: HumanDecision, deps: BridgeDeps): Promise<FinalOutcome> {
  switch (decision.type) {
    case "deny": {
      const message = decision.reason ?? `${decision.by} denied this call.`;
      return settle(call, refuse({ kind: "denied", message }));
    }
    case "result":
      return settle(call, { ok: true, value: decision.value });
    case "approve": {
      const checked = await check({ ...call, args: decision.args ?? call.args }, deps);
      return checked.ok ? execute(call, checked.tool, checked.args, deps) : settle(call, checked);
    }
  }
}

async function recordDecision(
  call: GateCall,
  decision: HumanDecision,
  deps: BridgeDeps,
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
      const value: unknown = JSON.parse(decision.value);
      const tool = call.catalog.byId(call.tool);
      const fault = tool === undefined ? undefined : faultOfResult(tool, value);
      if (fault !== undefined) return refuse({ kind: "invalid_arguments", message: fault });
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

type Checked =
  | {
      readonly ok: true;
      readonly tool: CatalogTool;
      readonly args: CheckedArguments;
      readonly verdict: Exclude<Decision, { verdict: "deny" }>;
    }
  | Refusal;

/**
 * The catalog to look a tool up in: the run's own, except for a server that had not connected when the run started.
 * The call waits for that one, inside its own time.
 */
async function catalogFor(call: GateCall, { hub, catalog }: BridgeDeps): Promise<Catalog | Refusal> {
  const { tool, policy, signal, timeoutMs } = call;
  const server = tool.slice(0, Math.max(0, tool.indexOf("/")));
  const known = call.catalog.tools.some((each) => each.server === server);
  if (known || refusingRule(tool, policy) !== undefined) return call.catalog;
  const failure = await hub.whenListed(server, { signal, timeoutMs });
  return failure === undefined ? catalog() : refuse(failure);
}

/** Known and allowed? Then: are these its arguments? In this order, so that nobody learns a schema by being refused. */
async function check(call: GateCall, deps: BridgeDeps): Promise<Checked> {
  const builtin = call.builtins?.get(call.tool);
  if (builtin !== undefined) return checkArguments(call, builtin.tool, { verdict: "auto" }, deps);
  const catalog = await catalogFor(call, deps);
  if ("failure" in catalog) return catalog;
  const tool = catalog.byId(call.tool);
  const verdict = tool === undefined ? undefined : decide(tool, call.policy);
  if (tool === undefined || verdict === undefined || verdict.verdict === "deny")
    return refuse(explainRefusal(call.tool, catalog, call.policy));
  return checkArguments(call, tool, verdict, deps);
}

function checkArguments(
  call: GateCall,
  tool: CatalogTool,
  verdict: Exclude<Decision, { verdict: "deny" }>,
  deps: BridgeDeps,
): Checked {
  if (call.fault !== undefined) return refuse(call.fault);
  const args = deps.checker.check(tool, call.args);
  if (!args.ok) return refuse({ kind: "invalid_arguments", message: args.message });
  if (!args.validated)
    deps.log.warn({ tool: tool.id, reason: args.reason }, "arguments were sent without validation");
  if (tool.unavailable !== undefined) return refuse({ kind: "unsupported", message: tool.unavailable });
  return { ok: true, tool, args, verdict };
}

async function execute(
  call: GateCall,
  tool: CatalogTool,
  args: CheckedArguments,
  deps: BridgeDeps,
): Promise<FinalOutcome> {
  const { journal, n, id } = call;
  const { readOnly } = tool;
  journal.append({ type: "started", n, call: id, tool: tool.id, argsHash: sha256(args.text), readOnly });
  if (!readOnly) {
    try {
      await journal.flush();
    } catch {
      const message = "The journal cannot be written, so the call was not made.";
      return settle(call, refuse({ kind: "unavailable", message }));
    }
  }
  const outcome = await send(call, tool, args, deps);
  const measured = measure(outcome, call.resultBytes);
  const isOurs = call.builtins?.has(tool.id) === true;
  if (outcome.ok && measured.ok && !isOurs)
    deps.learn?.(call.principal, tool, outcome.value, measured.value.length);
  return settle(call, measured);
}

function send(
  call: GateCall,
  tool: CatalogTool,
  args: CheckedArguments,
  { hub }: BridgeDeps,
): Promise<CallOutcome> {
  const builtin = call.builtins?.get(tool.id);
  if (builtin !== undefined) return builtin.answer(args.value, call);
  const { signal, timeoutMs } = call;
  const hasOutputSchema = tool.outputSchema !== undefined;
  return hub.call(tool.server, tool.name, args.value, { signal, timeoutMs, hasOutputSchema });
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
