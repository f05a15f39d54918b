/** The tool calls of a run as its journal tells them: one fold, used by the report, the event stream and the audit. */
import type { JournalEvent, ToolFailure } from "../../journal.ts";
import { parseJson } from "../../json.ts";
import { toQuestionId } from "./ids.ts";
import type { CallStatus, PendingCall } from "./report-shape.ts";

/** Times are milliseconds since the Unix epoch. */
export interface CallRecord {
  readonly id: string;
  /** 1, 2, 3 … among the calls of the run, in the order in which they were requested. */
  readonly seq: number;
  readonly tool: string;
  /** JSON text: as requested, or as decided once they are. */
  readonly args: string;
  readonly argsBytes: number;
  /** It stands in the text of a program that was refused for it, which never ran. */
  readonly inText: boolean;
  readonly requestedAt: number;
  /** `ask` while a person has not answered; null when nothing was decided. */
  readonly decision: "auto" | "ask" | "approved" | "denied" | "result" | null;
  /** Who decided, when, and why if they said so; null while nobody has. */
  readonly decided: { readonly at: number; readonly by: string; readonly reason: string | null } | null;
  /** Whether a person changed the arguments. */
  readonly edited: boolean;
  /** Whether a person was ever asked. */
  readonly asked: boolean;
  /** How many times a person was asked because nobody knew if the call, which had started, had happened. */
  readonly doubts: number;
  /** Why a person is asked. */
  readonly reason: string;
  readonly startedAt: number | null;
  /** SHA-256 of the arguments that were sent, and whether the tool was known to change nothing; null until it started. */
  readonly sent: { readonly argsHash: string; readonly readOnly: boolean } | null;
  readonly settlement: {
    readonly at: number;
    readonly failure: ToolFailure | null;
    readonly resultBytes: number;
    readonly reused: boolean;
  } | null;
}

export interface CallFold {
  /** Takes the next event; returns the call it is about, as it stands after it. */
  apply(event: JournalEvent): CallRecord | undefined;
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
      // Of a call that had been sent before, and was asked about, that still holds.
      if (event.heldBack === true) return call.doubts > 0 ? call : { ...call, startedAt: null, sent: null };
      return {
        ...call,
        decision: event.decision,
        decided:
          event.decision === "ask" ? null : { at: event.at, by: event.by, reason: event.reason ?? null },
        edited: call.edited || event.edited === true,
        asked: call.asked || event.decision === "ask",
        doubts: call.doubts + (event.decision === "ask" && call.startedAt !== null ? 1 : 0),
        reason: event.decision === "ask" ? (event.reason ?? "") : call.reason,
        args: event.args ?? call.args,
      };
    case "started":
      return {
        ...call,
        startedAt: event.at,
        sent: { argsHash: event.argsHash, readOnly: event.readOnly },
      };
    case "settled":
      return {
        ...call,
        settlement: {
          at: event.at,
          failure: event.outcome.ok ? null : event.outcome.failure,
          resultBytes: event.resultBytes,
          reused: event.reused,
        },
      };
  }
}

function request(event: JournalEvent & { readonly type: "requested" }, seq: number): CallRecord {
  return {
    id: event.call,
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
    doubts: 0,
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
  // A person is asked about a call that had started only when nobody knows whether it happened.
  if (call.decision === "ask") return call.startedAt === null ? "waiting" : "in_doubt";
  return "running";
}

function settledStatus(call: CallRecord, failure: ToolFailure | null): CallStatus {
  if (!failure) return "ok";
  if (call.decision === "denied" || failure.kind === "denied") return "denied";
  return failure.kind === "cancelled" ? "cancelled" : "error";
}

/** The decision as people see it: null while they are asked. A refusal before anything was decided is one. */
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
  return toQuestionId(id, doubts);
}

export function toPendingCall(call: CallRecord): PendingCall {
  return { call: questionOf(call), tool: call.tool, arguments: readJson(call.args), reason: call.reason };
}

/** The value of a JSON text; a text that is none, such as arguments a model wrote wrongly, stands for itself. */
export function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
