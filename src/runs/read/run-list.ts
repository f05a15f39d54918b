/** Lists runs from their summaries, without reading their journals. */
import type { JournalEvent, RunStatus, RunUsage } from "../../journal.ts";
import type { Log } from "../../log.ts";
import type { Store, StoredRun, SummarizedRun, SummaryPage } from "../../store/store.ts";
import { type Approval, isAsked, toApproval, type Viewer } from "../live/deciders.ts";
import { readJson } from "../record/calls.ts";
import type { PendingCall } from "../record/report-shape.ts";
import { type RunState, readState } from "../record/run-state.ts";
import type { ModelTokens } from "../record/turns.ts";
import {
  type AskedCall,
  askedCalls,
  parseSummary,
  type RunSummary,
  storedSummary,
  summarize,
} from "../summary/run-summary.ts";

/** One run of a list. Its report has the rest: result, logs, calls, diagnostics. */
export interface ListedRun {
  readonly id: string;
  readonly object: "run";
  readonly kind: SummarizedRun["kind"];
  readonly principal: string;
  /** The chat that the program belongs to; null when there is none. */
  readonly parent: string | null;
  readonly status: RunStatus;
  readonly error: RunSummary["error"];
  /** How many calls of tools were asked for. */
  readonly calls: number;
  /** Turns of the model; 0 for a program. */
  readonly turns: number;
  /** What the providers counted; null when no model was asked. */
  readonly tokens: ModelTokens | null;
  readonly usage: RunUsage;
  readonly pending: readonly PendingCall[];
  /** ISO 8601, like all times here. */
  readonly createdAt: string;
  readonly endedAt: string | null;
  /** Since when it waits for a person or its client. */
  readonly waitsSince: string | null;
}

export interface ListedRunPage {
  readonly data: readonly ListedRun[];
  readonly next_cursor: string | null;
}

export interface RunListQuery {
  /** Absent: any. */
  readonly kinds?: readonly SummarizedRun["kind"][];
  readonly status?: RunStatus;
  /** 1–200. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface ApprovalQuery {
  readonly limit?: number;
  /** Only those that come after this one. */
  readonly after?: Pick<Approval, "askedAt" | "call"> | undefined;
}

export interface RunList {
  /** Newest first. Rejects with `invalid_request` for a limit or cursor that cannot be. */
  runs(viewer: Viewer, query: RunListQuery): Promise<ListedRunPage>;
  /** The calls that wait for this viewer, oldest first. */
  approvals(viewer: Viewer, query?: ApprovalQuery): Promise<readonly Approval[]>;
}

export interface RunListDeps {
  readonly store: Pick<Store, "listSummaries" | "readJournal" | "putSummary">;
  readonly log: Log;
  /** Also of a run that the store does not have yet. */
  readonly record: (id: string) => Promise<StoredRun | undefined>;
  /** Of a run that this process owns. */
  readonly owned: (id: string) => RunState | undefined;
}

const PAGE = 200;

export function createRunList(deps: RunListDeps): RunList {
  return {
    async runs(viewer, { status, ...query }) {
      const statuses = status === undefined ? {} : { statuses: [status] };
      const owner = viewer.admin ? {} : { principal: viewer.principal };
      const page = await deps.store.listSummaries({ ...query, ...statuses, ...owner });
      const data = await Promise.all(page.runs.map((run) => toListed(run, deps)));
      return { data, next_cursor: page.nextCursor };
    },
    async approvals(viewer, { limit = Number.POSITIVE_INFINITY, after } = {}) {
      const isOnlyOwn = !viewer.admin && viewer.decides === undefined;
      const owner = isOnlyOwn ? { principal: viewer.principal } : {};
      const found = new Map<string, WaitingCall>();
      for await (const run of allAsking(deps.store, owner)) {
        for (const call of await askedOf(run, deps))
          if (isAsked(run, call.tool, viewer)) found.set(call.call, { ...call, run: run.id });
        // Keeps few more than are wanted: arguments can be large.
        if (found.size <= 2 * limit) continue;
        const wanted = new Set(oldestOf(found.values(), after).slice(0, limit));
        for (const call of found.values()) if (!wanted.has(call)) found.delete(call.call);
      }
      const waiting = oldestOf(found.values(), after).slice(0, limit);
      const records = await Promise.all([...new Set(waiting.map(({ run }) => run))].map(deps.record));
      const runs = new Map(records.flatMap((run) => (run === undefined ? [] : [[run.id, run] as const])));
      return waiting.flatMap(({ run: id, ...call }) => {
        const run = runs.get(id);
        return run === undefined ? [] : [toApproval(run, call)];
      });
    },
  };
}

async function toListed(run: SummarizedRun, deps: RunListDeps): Promise<ListedRun> {
  const { id, kind, principal, parent } = run;
  const summary = await summaryOf(run, deps);
  const { status, error, calls, turns, tokens, usage, endedAt, waitsSince } = summary;
  const asked = summary.asked ?? (await askedOf(run, deps));
  return {
    id,
    object: "run",
    kind,
    principal,
    parent,
    status,
    error,
    calls,
    turns,
    tokens,
    usage,
    pending: asked.map(({ call, tool, args, reason }) => ({ call, tool, arguments: readJson(args), reason })),
    createdAt: new Date(run.createdAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    waitsSince: waitsSince === null ? null : new Date(waitsSince).toISOString(),
  };
}

/** From its owner, if that is this process; else from the stored summary; else from its journal. */
async function summaryOf(run: SummarizedRun, deps: RunListDeps): Promise<RunSummary> {
  const owned = deps.owned(run.id);
  if (owned !== undefined) return summarize(owned, run.createdAt);
  const kept = run.summary === null ? undefined : parseSummary(run.summary);
  if (kept?.status === run.status) return kept;
  const events = await deps.store.readJournal(run.id);
  const state = readState(events);
  if (run.status !== "queued" && run.status !== "running") await repair(run, events, state, deps);
  return summarize(state, run.createdAt);
}

/** Writes the summary that a run at rest lacks: an earlier version left it, or its row is damaged. */
async function repair(
  { id, createdAt }: SummarizedRun,
  events: readonly JournalEvent[],
  state: RunState,
  { store, log }: RunListDeps,
): Promise<void> {
  log.info({ run: id }, "the summary of this run is missing or damaged: its journal was read instead");
  // If the store cannot be written now, the next list tries again.
  await store.putSummary(id, events.length, storedSummary(state, createdAt)).catch(() => undefined);
}

async function askedOf(run: SummarizedRun, deps: RunListDeps): Promise<readonly AskedCall[]> {
  const { asked } = await summaryOf(run, deps);
  if (asked !== null) return asked;
  return askedCalls(deps.owned(run.id) ?? readState(await deps.store.readJournal(run.id)));
}

/** A run that comes to rest or resumes meanwhile is found in one of the walks; some are found twice. */
const WALKS = ["running", "waiting", "running"] as const;

/** A call is to be decided as soon as it is held, also while its program still runs. */
async function* allAsking(
  store: Pick<Store, "listSummaries">,
  owner: { readonly principal?: string },
): AsyncGenerator<SummarizedRun> {
  for (const status of WALKS) {
    let cursor: string | null = null;
    do {
      const from: { readonly cursor?: string } = cursor === null ? {} : { cursor };
      const query = { ...owner, ...from, kinds: ["program", "chat"], statuses: [status] } as const;
      const page: SummaryPage = await store.listSummaries({ ...query, asking: true, limit: PAGE });
      yield* page.runs;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
}

interface WaitingCall extends AskedCall {
  readonly run: string;
}

function oldestOf(calls: Iterable<WaitingCall>, after: ApprovalQuery["after"]): readonly WaitingCall[] {
  const sorted = [...calls].sort(byAge);
  return after === undefined ? sorted : sorted.filter((call) => byAge(after, call) < 0);
}

type Place = Pick<Approval, "askedAt" | "call">;

function byAge(one: Place, other: Place): number {
  return one.askedAt - other.askedAt || (one.call < other.call ? -1 : one.call > other.call ? 1 : 0);
}
