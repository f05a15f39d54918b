/** The tool calls of a run as its journal tells them: one fold, the calls' part of `RunState`. */
import type { JournalEvent, ToolFailure } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import type { OpenCall } from "../../tools/gate/gate-call.ts";
import { toQuestionId } from "./ids.ts";
import type { CallStatus, PendingCall } from "./report-shape.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

/** Times are milliseconds since the Unix epoch. */
export interface CallRecord {
  readonly id: string;
  readonly requested: Event<"requested">;
  /** 1, 2, 3 … among the calls of the run, in the order in which they were requested. */
  readonly seq: number;
  readonly tool: string;
  /** JSON text: as requested, or as decided once they are. */
  readonly args: string;
  readonly argsBytes: number;
  /** True for a call in the text of a program that was refused for it and never ran. */
  readonly inText: boolean;
  readonly requestedAt: number;
  /** `ask` while it needs approval; null when nothing was decided. */
  readonly decision: "auto" | "ask" | "approved" | "denied" | "result" | null;
  /** Who decided, when, and why if they said so; null while nobody has. */
  readonly decided: { readonly at: number; readonly by: string; readonly reason: string | null } | null;
  /** Whether a person changed the arguments. */
  readonly edited: boolean;
  /** Whether a person was ever asked. */
  readonly asked: boolean;
  /** Seqs of the questions that were asked because nobody knew whether the call, which had started, had happened. */
  readonly doubts: readonly number[];
  /** Every decision about it, in order, except those repeated because the call was held back. */
  readonly decisions: readonly Event<"decided">[];
  /** How far it has come; undefined once it has settled. */
  readonly open: OpenCall | undefined;
  /** The gate has accepted its arguments: `args` is the canonical text that is sent. */
  readonly isChecked: boolean;
  /** Why it needs approval. */
  readonly reason: string;
  readonly startedAt: number | null;
  /** SHA-256 of the arguments that were sent, and whether the tool was known to change nothing; null until it started. */
  readonly sent: { readonly argsHash: string; readonly readOnly: boolean } | null;
  readonly settlement: {
    readonly at: number;
    readonly outcome: Event<"settled">["outcome"];
    readonly failure: ToolFailure | null;
    readonly resultBytes: number;
    readonly reused: boolean;
  } | null;
}

export interface CallFold {
  /** Takes the next event; returns the call it is about, as it stands after it. */
  apply(event: JournalEvent): CallRecord | undefined;
  /** By its own id. */
  call(id: string): CallRecord | undefined;
  /** In the order in which they were requested. */
  calls(): readonly CallRecord[];
}

export function createCallFold(): CallFold {
  const calls = new Map<string, CallRecord>();
  return {
    apply(event) {
      const call = advance(event, calls);
      if (call) calls.set(call.id, call);
      return call;
    },
    call: (id) => calls.get(id),
    calls: () => [...calls.values()],
  };
}

function advance(event: JournalEvent, calls: ReadonlyMap<string, CallRecord>): CallRecord | undefined {
  if (!("call" in event)) return undefined;
  if (event.type === "requested") return request(event, calls.size + 1);
  const call = calls.get(event.call);
  if (!call) return undefined;
  switch (event.type) {
    case "decided":
      return event.heldBack === true ? holdBack(event, call) : decide(event, call);
    case "started":
      return {
        ...call,
        startedAt: event.at,
        sent: { argsHash: event.argsHash, readOnly: event.readOnly },
        open: { step: "started", args: call.args },
      };
    case "settled":
      return {
        ...call,
        open: undefined,
        settlement: {
          at: event.at,
          outcome: event.outcome,
          failure: event.outcome.ok ? null : event.outcome.failure,
          resultBytes: event.resultBytes,
          reused: event.reused,
        },
      };
  }
}

function decide(event: Event<"decided">, call: CallRecord): CallRecord {
  const { decision, at, by, reason } = event;
  const isAsk = decision === "ask";
  const args = event.args ?? call.args;
  return {
    ...call,
    decision,
    decided: isAsk ? null : { at, by, reason: reason ?? null },
    decisions: [...call.decisions, event],
    edited: call.edited || event.edited === true,
    asked: call.asked || isAsk,
    doubts: isAsk && call.startedAt !== null ? [...call.doubts, event.seq] : call.doubts,
    reason: isAsk ? (reason ?? "") : call.reason,
    args,
    isChecked: call.isChecked || event.args !== undefined,
    open: openAfter(event, args),
  };
}

/** A call that had been sent before, and was asked about, still counts as sent. */
function holdBack(event: Event<"decided">, call: CallRecord): CallRecord {
  const open = openAfter(event, event.args ?? call.args);
  return call.doubts.length > 0 ? { ...call, open } : { ...call, open, startedAt: null, sent: null };
}

function openAfter(event: Event<"decided">, args: string): OpenCall {
  const { decision, by, reason, value } = event;
  switch (decision) {
    case "ask":
      return { step: "asked", args, reason: reason ?? "" };
    case "approved":
      return { step: "decided", decision: { type: "approve", by, args } };
    case "denied":
      return { step: "decided", decision: { type: "deny", by, ...(reason === undefined ? {} : { reason }) } };
    case "result":
      return { step: "decided", decision: { type: "result", by, value: value ?? "null" } };
    case "auto":
      // Nothing has been sent yet: policy decides again.
      return REQUESTED;
  }
}

const REQUESTED: OpenCall = { step: "requested" };
const NONE: readonly never[] = [];

function request(event: Event<"requested">, seq: number): CallRecord {
  return {
    id: event.call,
    requested: event,
    seq,
    tool: event.tool,
    args: event.args,
    argsBytes: event.argsBytes,
    inText: event.inText === true,
    requestedAt: event.at,
    decision: null,
    decided: null,
    edited: false,
    asked: false,
    doubts: NONE,
    decisions: NONE,
    open: REQUESTED,
    isChecked: false,
    reason: "",
    startedAt: null,
    sent: null,
    settlement: null,
  };
}

/** `ended`: whether the run is over; a call that has not settled by then never will. */
export function callStatus(call: CallRecord, ended: boolean): CallStatus {
  if (call.settlement) return settledStatus(call, call.settlement.failure);
  if (ended) return "cancelled";
  // A call that had started needs a person only when nobody knows whether it happened.
  if (call.decision === "ask") return call.startedAt === null ? "waiting" : "in_doubt";
  return "running";
}

function settledStatus(call: CallRecord, failure: ToolFailure | null): CallStatus {
  if (!failure) return "ok";
  if (call.decision === "denied" || failure.kind === "denied") return "denied";
  return failure.kind === "cancelled" ? "cancelled" : "error";
}

/** The decision as people see it: null while the call needs approval. A refusal before any decision counts as one. */
export function callDecision(call: CallRecord): "auto" | "approved" | "denied" | "result" | null {
  if (call.decision === "ask") return null;
  return call.decision ?? (call.settlement?.failure?.kind === "denied" ? "denied" : null);
}

/** Milliseconds from the start of the call to its settlement; null unless it had both. */
export function callDurationMs({ startedAt, settlement }: CallRecord): number | null {
  return startedAt === null || settlement === null ? null : settlement.at - startedAt;
}

/** The id of the last question that a person was asked about it. */
export function questionOf({ id, doubts }: CallRecord): string {
  return toQuestionId(id, doubts.length);
}

export function toPendingCall(call: CallRecord): PendingCall {
  return { call: questionOf(call), tool: call.tool, arguments: readJson(call.args), reason: call.reason };
}

/** The value of a JSON text. A text that is not JSON, such as malformed arguments of a model, is returned as it is. */
export function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
