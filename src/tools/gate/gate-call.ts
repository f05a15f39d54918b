/** A call at the gate: who asks for what, under which policy, how far it has come, and what a person said of it. */
import type { JournalEventBody } from "../../journal.ts";
import type { Builtins } from "../builtin.ts";
import type { Catalog, CatalogTool } from "../catalog.ts";
import type { Policy, PolicyLayer } from "../policy-layer.ts";
import type { FinalOutcome } from "../settlement.ts";
import type { Spelling } from "../spelling.ts";

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
  /** How failures name tools: as whoever calls can write them. */
  readonly spelling: Spelling;
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
  /** Milliseconds that its run has left for it, however much progress the tool reports. Absent: without end. */
  readonly leftMs?: number;
  readonly resultBytes: number;
  readonly signal: AbortSignal;
}

export type GateOutcome =
  | FinalOutcome
  /** A person has to decide; `arguments` is what would be sent. `decide`, then `resume`, go on from here. */
  | { readonly type: "pending"; readonly tool: string; readonly arguments: unknown; readonly reason: string }
  /**
   * The journal cannot be kept, so nothing was sent, and nobody may be told that either: what a restart finds is not
   * certain. Whoever asked is suspended.
   */
  | { readonly type: "unkept" };

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
  /** Whether the run is still this process's own: asked last, before its call leaves. */
  isHeld(): boolean | Promise<boolean>;
}
