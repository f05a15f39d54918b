/** The public event stream of a run, derived from its journal. Ids are the journal's seqs, so a stream can be resumed. */

import type { JournalEvent } from "../../journal.ts";
import {
  type CallRecord,
  callDecision,
  callDurationMs,
  callStatus,
  createCallFold,
  questionOf,
  readJson,
  toPendingCall,
} from "./calls.ts";
import { markText } from "./media-marks.ts";

type StreamEventName =
  | "run.started"
  | "log"
  | "call.started"
  | "call.finished"
  | "approval.required"
  | "approval.resolved"
  | "run.finished";

/** One server-sent event: `id` and `event` are lines of their own, `data` is sent as JSON text. */
export interface StreamEvent {
  readonly id: number;
  readonly event: StreamEventName;
  readonly data: {
    readonly type: StreamEventName;
    readonly run: string;
    readonly seq: number;
    /** Since the run was created. */
    readonly atMs: number;
    readonly [field: string]: unknown;
  };
}

export interface StreamedRun {
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/**
 * Returns the function that turns the events of one run into those of its stream. It needs every event from the first,
 * in order, because an event holds only what is new: the tool's name, for one, is in `requested` alone. To resume a
 * stream, feed it the whole journal and send the events whose id is higher than the last that arrived.
 *
 * Many events show nothing outside; none shows more than one thing.
 */
export function createStreamMapper(run: StreamedRun): (event: JournalEvent) => StreamEvent | undefined {
  const fold = createCallFold();
  return (event) => {
    const call = fold.apply(event);
    if (call?.inText) return undefined;
    const shown = call ? showCall(event, call) : showRun(event);
    if (!shown) return undefined;
    const [type, fields] = shown;
    const data = { type, run: run.id, seq: event.seq, atMs: event.at - run.createdAt, ...fields };
    return { id: event.seq, event: type, data };
  };
}

type Shown = readonly [type: StreamEventName, fields: { readonly [field: string]: unknown }];

function showRun(event: JournalEvent): Shown | undefined {
  switch (event.type) {
    case "opened":
      return ["run.started", { programHash: event.programHash, catalogVersion: event.catalogVersion }];
    case "log":
      return ["log", { level: event.level, text: markText(event.text) }];
    case "ended": {
      const { status, error, usage } = event;
      const result = event.result === null ? null : readJson(event.result);
      return ["run.finished", { status, result, error, usage }];
    }
    default:
      return undefined;
  }
}

/** A refused call has no `call.started`, only its end. */
function showCall(event: JournalEvent, call: CallRecord): Shown | undefined {
  switch (event.type) {
    case "decided":
      return showDecision(event, call);
    case "started": {
      const { id, tool, args } = call;
      return ["call.started", { call: id, tool, arguments: readJson(args), readOnly: event.readOnly }];
    }
    case "settled":
      return ["call.finished", showSettlement(call)];
    default:
      return undefined;
  }
}

function showDecision(
  event: JournalEvent & { readonly type: "decided" },
  call: CallRecord,
): Shown | undefined {
  if (event.decision === "ask") return ["approval.required", { ...toPendingCall(call) }];
  // A decision of policy alone is not shown: no person was asked.
  if (!call.asked || event.heldBack === true) return undefined;
  const { decision, by, reason = null } = event;
  return ["approval.resolved", { call: questionOf(call), tool: call.tool, decision, by, reason }];
}

function showSettlement(call: CallRecord): Shown[1] {
  return {
    call: call.id,
    tool: call.tool,
    status: callStatus(call, false),
    decision: callDecision(call),
    durationMs: callDurationMs(call),
    reused: call.settlement?.reused ?? false,
    argsBytes: call.argsBytes,
    resultBytes: call.settlement?.resultBytes ?? 0,
    error: call.settlement?.failure ?? null,
  };
}
