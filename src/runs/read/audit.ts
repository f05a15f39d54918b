/**
 * The audit: one row per tool call, of all principals. A view of the journal: the store finds the calls and their
 * events, and the fold that reports use interprets them.
 */
import type { CallPage, FoundCall, Store } from "../../store/store.ts";
import { serverOf } from "../../tools/patterns.ts";
import type { Viewer } from "../live/deciders.ts";
import { type CallRecord, callDecision, callStatus, createCallFold } from "../record/calls.ts";
import type { ReportCall } from "../record/report-shape.ts";
import type { AuditFilters } from "./audit-query.ts";

/** Times are ISO 8601. */
export interface AuditRow {
  readonly run: string;
  readonly principal: string;
  readonly call: string;
  /** 1, 2, 3 … among the calls of its run. */
  readonly seq: number;
  readonly tool: string;
  /** Empty when what was asked for is no tool's id. */
  readonly server: string;
  readonly requestedAt: string;
  /** Null while a person is asked, and when the call was refused before there was anything to decide. */
  readonly decision: ReportCall["decision"];
  /** `policy` or the principal of the person; null while nobody has decided. */
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  /** Why it was decided so, or why it needs approval. */
  readonly reason: string | null;
  /** Whether a person changed the arguments. */
  readonly edited: boolean;
  readonly startedAt: string | null;
  readonly settledAt: string | null;
  readonly status: ReportCall["status"];
  readonly error: Pick<NonNullable<ReportCall["error"]>, "kind" | "message"> | null;
  /** Null until the call started. */
  readonly readOnly: boolean | null;
  readonly argsBytes: number;
  readonly resultBytes: number;
  /** SHA-256 of the arguments that were sent; null when none were. */
  readonly argsHash: string | null;
  /** Whether the result is that of an earlier run. */
  readonly reused: boolean;
  /** Whether a person was ever asked because nobody knew if the call had happened. */
  readonly inDoubt: boolean;
}

export interface AuditQuery extends AuditFilters {
  /** 1–200. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface AuditPage {
  /** The latest requested first. Fewer than asked for when the search was long; then `next_cursor` continues it. */
  readonly data: readonly AuditRow[];
  readonly next_cursor: string | null;
}

/** Searches for one page. Each reads some thousand calls, so that a request ends in about a second. */
const MAX_SEARCHES = 100;

/** The viewer's own calls; everybody's for an admin. Rejects with `invalid_request` for an invalid limit or cursor. */
export async function readAudit(
  store: Pick<Store, "findCalls">,
  viewer: Viewer,
  query: AuditQuery,
): Promise<AuditPage> {
  const { limit, decision } = query;
  const principal = viewer.admin ? undefined : viewer.principal;
  const data: AuditRow[] = [];
  let cursor = query.cursor;
  for (let searches = 0; searches < MAX_SEARCHES; searches += 1) {
    const page: CallPage = await store.findCalls({ ...query, principal, limit: limit - data.length, cursor });
    const rows = page.calls.map(toAuditRow).filter((row) => row !== undefined);
    data.push(...rows.filter((row) => decision === undefined || row.decision === decision));
    if (page.nextCursor === null) return { data, next_cursor: null };
    cursor = page.nextCursor;
    if (data.length === limit) break;
  }
  return { data, next_cursor: cursor ?? null };
}

/** Undefined when the events do not begin with the request of the call, as in a file that was tampered with. */
function toAuditRow({ run, seq, events }: FoundCall): AuditRow | undefined {
  const fold = createCallFold();
  for (const event of events) fold.apply(event);
  const [call] = fold.calls();
  if (call === undefined) return undefined;
  const { settlement, startedAt, sent } = call;
  const decided = decisionOf(call);
  return {
    run: run.id,
    principal: run.principal,
    call: call.id,
    seq,
    tool: call.tool,
    server: serverOf(call.tool),
    requestedAt: toIso(call.requestedAt),
    decision: callDecision(call),
    decidedBy: decided?.by ?? null,
    decidedAt: decided === null ? null : toIso(decided.at),
    reason: decided?.reason ?? (call.asked ? call.reason : null),
    edited: call.edited,
    startedAt: startedAt === null ? null : toIso(startedAt),
    settledAt: settlement === null ? null : toIso(settlement.at),
    status: callStatus(call, hasEnded(run)),
    error: settlement?.failure ? pick(settlement.failure) : null,
    readOnly: sent?.readOnly ?? null,
    argsBytes: call.argsBytes,
    resultBytes: settlement?.resultBytes ?? 0,
    argsHash: sent?.argsHash ?? null,
    reused: settlement?.reused ?? false,
    inDoubt: call.doubts.length > 0,
  };
}

/** Policy refuses a call outside the allowed set before anything is decided about it. */
function decisionOf(call: CallRecord): CallRecord["decided"] {
  const { decided, settlement } = call;
  if (decided !== null || settlement === null || callDecision(call) !== "denied") return decided;
  return { at: settlement.at, by: "policy", reason: settlement.failure?.message ?? null };
}

function pick({ kind, message }: NonNullable<AuditRow["error"]>): AuditRow["error"] {
  return { kind, message };
}

function hasEnded({ status }: FoundCall["run"]): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
