/**
 * The bridge: the one place in the gateway where a tool is called, whoever asks: a program, a model, a person.
 *
 *   requested → known and allowed? → arguments parsed, filled, validated → decided → started → call → settled
 *
 * Every step is in the journal before the next one is taken, and a refusal is a settlement too. What is validated,
 * hashed, shown, journalled and sent is one and the same JSON text.
 */
import { createHash } from "node:crypto";
import type { JournalEventBody, ToolFailure } from "../journal.ts";
import type { Log } from "../log.ts";
import type { CallOutcome, Hub } from "../mcp/hub.ts";
import type { ArgumentChecker, CheckedArguments } from "./arguments.ts";
import type { Catalog, CatalogTool } from "./catalog.ts";
import { type Decision, decide, explainRefusal, type Policy, refusingRule } from "./policy.ts";

export interface GateCall {
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
  /**
   * What happens to a call that needs a person. `ask`: it is pending. `deny`: it is refused. `granted`: the person
   * named here asked for exactly this call.
   */
  readonly consent: "ask" | "deny" | { readonly grantedBy: string };
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly resultBytes: number;
  readonly signal: AbortSignal;
}

export type GateOutcome =
  /** `value` is JSON text. */
  | { readonly type: "value"; readonly value: string }
  | { readonly type: "failure"; readonly failure: ToolFailure }
  /** A person has to decide; `arguments` is what would be sent. `decide` goes on from here. */
  | { readonly type: "pending"; readonly tool: string; readonly arguments: unknown; readonly reason: string };

/** What a person said of a pending call. `args` and `value` are JSON text. */
export type HumanDecision =
  /** Send it; with these arguments instead, which are validated like any others. */
  | { readonly type: "approve"; readonly by: string; readonly args?: string }
  | { readonly type: "deny"; readonly by: string; readonly reason?: string }
  /** Do not send it: this is the result. */
  | { readonly type: "result"; readonly by: string; readonly value: string };

/** What the bridge needs of a run's journal. */
export interface CallJournal {
  append(body: JournalEventBody): unknown;
  /** Resolves when everything appended is durable; rejects when it can't be kept. */
  flush(): Promise<void>;
}

export interface Bridge {
  /** Never rejects. */
  call(call: GateCall): Promise<GateOutcome>;
  /** Goes on with a call that `call` left pending: the policy is asked again, `call` being the same. Never rejects. */
  decide(call: GateCall, decision: HumanDecision): Promise<Exclude<GateOutcome, { type: "pending" }>>;
}

export interface BridgeDeps {
  readonly hub: Pick<Hub, "call" | "whenListed">;
  readonly checker: ArgumentChecker;
  readonly log: Log;
  /** The tools as they are known now, for servers that connected after a run had started. */
  readonly catalog: () => Catalog;
}

export function createBridge(deps: BridgeDeps): Bridge {
  return {
    call: (call) => admit(call, deps),
    decide: (call, decision) => resolve(call, decision, deps),
  };
}

async function admit(call: GateCall, deps: BridgeDeps): Promise<GateOutcome> {
  const { journal, n, id, args: asked } = call;
  const argsBytes = Buffer.byteLength(asked);
  journal.append({ type: "requested", n, call: id, tool: call.tool, args: asked, argsBytes });
  const checked = await check(call, deps);
  if (!checked.ok) return settle(call, checked);
  const { tool, args, verdict } = checked;
  const consent = weigh(call, verdict);
  journal.append({ type: "decided", n, call: id, args: args.text, ...consent });
  if (consent.decision === "ask")
    return { type: "pending", tool: tool.id, arguments: args.value, reason: consent.reason };
  if (consent.decision === "denied") {
    const message = `${tool.id} needs a person's approval: ${consent.reason}`;
    return settle(call, refuse({ kind: "denied", message }));
  }
  return execute(call, tool, args, deps);
}

async function resolve(call: GateCall, decision: HumanDecision, deps: BridgeDeps): Promise<Final> {
  const { journal, n, id } = call;
  const { by } = decision;
  if (decision.type === "deny") {
    const reason = decision.reason === undefined ? {} : { reason: decision.reason };
    journal.append({ type: "decided", n, call: id, decision: "denied", by, ...reason });
    return settle(call, refuse({ kind: "denied", message: decision.reason ?? `${by} denied this call.` }));
  }
  if (decision.type === "result") {
    journal.append({ type: "decided", n, call: id, decision: "result", by });
    return settle(call, measure({ ok: true, value: JSON.parse(decision.value) }, call.resultBytes));
  }
  const checked = await check({ ...call, args: decision.args ?? call.args }, deps);
  if (!checked.ok) return settle(call, checked);
  journal.append({ type: "decided", n, call: id, decision: "approved", by, args: checked.args.text });
  return execute(call, checked.tool, checked.args, deps);
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
  const catalog = await catalogFor(call, deps);
  if ("failure" in catalog) return catalog;
  const tool = catalog.byId(call.tool);
  const verdict = tool === undefined ? undefined : decide(tool, call.policy);
  if (tool === undefined || verdict === undefined || verdict.verdict === "deny")
    return refuse(explainRefusal(call.tool, catalog, call.policy));
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
): Promise<Final> {
  const { journal, n, id, signal, timeoutMs } = call;
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
  const hasOutputSchema = tool.outputSchema !== undefined;
  const outcome = await deps.hub.call(tool.server, tool.name, args.value, {
    signal,
    timeoutMs,
    hasOutputSchema,
  });
  return settle(call, measure(outcome, call.resultBytes));
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

type Refusal = { readonly ok: false; readonly failure: ToolFailure };
type Settled = { readonly ok: true; readonly value: string } | Refusal;
type Final = Exclude<GateOutcome, { type: "pending" }>;

function refuse(failure: ToolFailure): Refusal {
  return { ok: false, failure };
}

function measure(outcome: CallOutcome, limitBytes: number): Settled {
  if (!outcome.ok) return outcome;
  let value: string | undefined;
  try {
    value = JSON.stringify(outcome.value) ?? "null";
  } catch {
    return refuse({ kind: "tool", message: "The tool returned a value that cannot be written as JSON." });
  }
  const bytes = Buffer.byteLength(value);
  if (bytes <= limitBytes) return { ok: true, value };
  const message = `The result has ${bytes} bytes; at most ${limitBytes} are allowed. Ask for less.`;
  return refuse({ kind: "too_large", message });
}

function settle(call: GateCall, outcome: Settled): Final {
  const resultBytes = outcome.ok ? Buffer.byteLength(outcome.value) : 0;
  const settled = outcome.ok ? outcome : refuse(outcome.failure);
  call.journal.append({
    type: "settled",
    n: call.n,
    call: call.id,
    outcome: settled,
    resultBytes,
    reused: false,
  });
  return outcome.ok ? { type: "value", value: outcome.value } : { type: "failure", failure: outcome.failure };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
