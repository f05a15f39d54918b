/** A call at the gate: its origin, its policy, its progress, and a person's decision about it. */
import type { JournalEventBody } from "../../journal.ts";
import type { Builtins } from "../builtin.ts";
import type { Catalog, CatalogTool } from "../catalog.ts";
import type { Policy, PolicyLayer } from "../policy-layer.ts";
import type { FinalOutcome } from "../settlement.ts";
import type { Spelling } from "../spelling.ts";

export interface GateCall {
  /** The principal of the call. */
  readonly principal: string;
  readonly journal: CallJournal;
  /** Its number and its id within the run that makes it. */
  readonly n: number;
  readonly id: string;
  /** `server/tool`, as requested. */
  readonly tool: string;
  /** JSON text, as requested. */
  readonly args: string;
  /** The arguments never became JSON: the call is journalled and settled with this fault. */
  readonly fault?: { readonly kind: "invalid_arguments" | "too_large"; readonly message: string };
  /** The spelling of tool names in failures: the form that the caller writes. */
  readonly spelling: Spelling;
  readonly catalog: Catalog;
  readonly policy: Policy;
  /** The policy layers of the request that decides; they are kept with the decision. */
  readonly narrowing?: readonly PolicyLayer[];
  /**
   * The fate of a call that needs approval. `ask`: it is pending. `deny`: it is refused. `granted`: the person named
   * here requested exactly this call.
   */
  readonly consent: "ask" | "deny" | { readonly grantedBy: string };
  /** The built-in tools; none unless the run is a program. */
  readonly builtins?: Builtins;
  /**
   * The result of an earlier run that stands for this call, as JSON text. Called once the call is known to be allowed.
   */
  readonly reuse?: (tool: CatalogTool, args: string) => string | undefined;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds that its run has left for it, however much progress the tool reports. Absent: unbounded. */
  readonly leftMs?: number;
  readonly resultBytes: number;
  readonly signal: AbortSignal;
}

export type GateOutcome =
  | FinalOutcome
  /** A person has to decide; `arguments` are the ones to be sent. Continue with `decide`, then `resume`. */
  | { readonly type: "pending"; readonly tool: string; readonly arguments: unknown; readonly reason: string }
  /**
   * The journal cannot be kept, so the call was not sent, and even that must not be reported: a restart may find a
   * different record. The run that made the call is suspended.
   */
  | { readonly type: "unkept" };

/** A person's decision about a pending call. `args` and `value` are JSON text. */
export type HumanDecision =
  /** Sends the call; with `args`, these replace the arguments and are validated like any others. */
  | { readonly type: "approve"; readonly by: string; readonly args?: string }
  | { readonly type: "deny"; readonly by: string; readonly reason?: string }
  /** Does not send the call: `value` is its result. */
  | { readonly type: "result"; readonly by: string; readonly value: string };

/** The progress of a call according to the journal. `args` is the canonical text. */
export type OpenCall =
  | { readonly step: "requested" }
  | { readonly step: "asked"; readonly args: string; readonly reason: string }
  | { readonly step: "decided"; readonly decision: HumanDecision }
  /** It was sent to its tool, and its result is unknown. */
  | { readonly step: "started"; readonly args: string };

/** The bridge's view of a run's journal. */
export interface CallJournal {
  append(body: JournalEventBody): unknown;
  /** Resolves when every appended event is durable; rejects when they cannot be kept. */
  flush(): Promise<void>;
  /** Whether this process still owns the run: checked last, directly before its call is sent. */
  isHeld(): boolean | Promise<boolean>;
}
