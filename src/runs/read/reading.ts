/**
 * Runs as people read them: reports, lists, events, pending calls. Runs that this process owns are read from memory,
 * others from the store.
 */
import { ToolariumError } from "../../errors.ts";
import type { JournalEvent } from "../../journal.ts";
import type { Log } from "../../log.ts";
import type { Store, StoredRun, RunPage as StoredRunPage } from "../../store/store.ts";
import { isAsked, seesWhole, type Viewer } from "../live/deciders.ts";
import type { Followers, FollowOptions } from "../live/followers.ts";
import type { OwnedRun } from "../live/owned-runs.ts";
import { mergeChildren } from "../record/chat-report.ts";
import { callIdOf, parseCallId } from "../record/ids.ts";
import { deriveReport } from "../record/report.ts";
import type { Report } from "../record/report-shape.ts";
import { parseSpec } from "../record/run-spec.ts";
import { type RunState, readState, statusAfter } from "../record/run-state.ts";
import { createRunList, type RunList, type RunListQuery } from "./run-list.ts";

export interface ReportPage {
  readonly data: readonly Report[];
  readonly next_cursor: string | null;
}

export interface AskedCall {
  readonly tool: string;
  /** JSON text. */
  readonly args: string;
}

export interface RunReader extends RunList {
  /** Undefined when there is no such run, and also when it is somebody else's. */
  find(id: string, viewer: Viewer): Promise<StoredRun | undefined>;
  /**
   * The run of this call, for a viewer who may decide it: by its own id or that of the chat it belongs to. Undefined
   * when there is none such, or only others may decide it.
   */
  findAsked(id: string, call: string, viewer: Viewer): Promise<StoredRun | undefined>;
  /**
   * As it stands, or as it stood after the event of this seq. Undefined as for `find`.
   * @throws `invalid_request` when the run has no event of that seq
   */
  report(id: string, viewer: Viewer, at?: number): Promise<Report | undefined>;
  /** As it stood at this time: milliseconds since the Unix epoch. Undefined as for `find`. */
  reportAsOf(id: string, viewer: Viewer, time: number): Promise<Report | undefined>;
  /** The tool of one of its calls, and the arguments that people were shown. Undefined when it has none such. */
  askedCall(id: string, viewer: Viewer, call: string): Promise<AskedCall | undefined>;
  /** All events of a run so far. Checks no viewer. */
  journal(id: string): Promise<readonly JournalEvent[]>;
  /** The state that those events give. */
  state(id: string): Promise<RunState>;
  /** Whole reports, of programs unless other kinds are asked for: a page ends where it is large. */
  list(viewer: Viewer, query: RunListQuery): Promise<ReportPage>;
  /** Events after this seq, then live ones, until the run ends or waits. Undefined as for `find`. */
  events(
    id: string,
    viewer: Viewer,
    options?: Pick<FollowOptions, "afterSeq" | "signal">,
  ): Promise<AsyncIterable<JournalEvent> | undefined>;
}

const PAGE = 200;
/** Characters of reports after which a page of them ends. */
const MAX_PAGE_CHARS = 4 * 1024 * 1024;
const RUNS_AT_ONCE = 10;

export function createRunReader(
  { store, log }: { readonly store: Store; readonly log: Log },
  owned: (id: string) => OwnedRun | undefined,
  followers: Followers,
): RunReader {
  const eventsOf = async (id: string): Promise<readonly JournalEvent[]> =>
    owned(id)?.journal.readable ?? (await store.readJournal(id));

  const ownedState = (id: string): RunState | undefined => {
    const journal = owned(id)?.journal;
    if (journal === undefined) return undefined;
    const { readable, events, state } = journal;
    return readable === events ? state : readState(readable);
  };
  const stateOf = async (id: string): Promise<RunState> =>
    ownedState(id) ?? readState(await store.readJournal(id));

  /** Asks an owned run first: the store may not have it yet, or may be unable to give it. */
  const recordOf = async (id: string): Promise<StoredRun | undefined> => {
    const journal = owned(id)?.journal;
    if (journal === undefined) return store.getRun(id);
    return { ...journal.record, status: statusAfter(journal.readable.at(-1)) };
  };

  const overview = createRunList({ store, log, record: recordOf, owned: ownedState });

  const derive = async (run: StoredRun, at?: number): Promise<Report> => {
    const { limits, diagnostics, program } = parseSpec(run.spec);
    const { id, createdAt } = run;
    const head = { id, createdAt, limits, diagnostics, program };
    if (at === undefined) return deriveReport(head, await stateOf(id));
    const events = await eventsOf(id);
    if (at < 1 || at > events.length)
      throw new ToolariumError(
        "invalid_request",
        `at must be 1 to ${events.length}, the run's events; got ${at}.`,
        {
          param: "at",
        },
      );
    return deriveReport(head, readState(events.slice(0, at)));
  };

  const find: RunReader["find"] = async (id, viewer) => {
    const run = await recordOf(id);
    return run !== undefined && seesWhole(run, viewer) ? run : undefined;
  };

  return {
    find,
    async findAsked(id, call, viewer) {
      const owner = parseCallId(call)?.runId ?? id;
      const run = await recordOf(owner);
      if (run === undefined || (owner !== id && run.parent !== id)) return undefined;
      if (seesWhole(run, viewer)) return run;
      if (viewer.decides === undefined) return undefined;
      const record = (await stateOf(owner)).call(callIdOf(call));
      return record !== undefined && isAsked(run, record.tool, viewer) ? run : undefined;
    },
    journal: eventsOf,
    state: stateOf,
    async report(id, viewer, at) {
      const run = await find(id, viewer);
      if (run === undefined) return undefined;
      const report = await derive(run, at);
      if (run.kind !== "chat") return report;
      const until = at === undefined ? undefined : (await eventsOf(id))[at - 1]?.at;
      const { runs } = await store.listRuns({ parent: id, limit: PAGE });
      const children = await Promise.all(
        runs
          .toReversed()
          .filter(({ createdAt }) => until === undefined || createdAt <= until)
          .map(async (child) =>
            derive(child, until === undefined ? undefined : await seqAt(child.id, until)),
          ),
      );
      return mergeChildren(report, children);
    },
    async reportAsOf(id, viewer, time) {
      const run = await find(id, viewer);
      return run === undefined ? undefined : derive(run, await seqAt(id, time));
    },
    async askedCall(id, viewer, call) {
      if ((await find(id, viewer)) === undefined) return undefined;
      const record = (await stateOf(id)).call(callIdOf(call));
      if (record === undefined) return undefined;
      const shown = record.decisions.findLast(
        ({ decision, args }) => decision === "ask" && args !== undefined,
      );
      return { tool: record.tool, args: shown?.args ?? record.requested.args };
    },
    async list(viewer, query) {
      const owner = viewer.admin ? {} : { principal: viewer.principal };
      const { kinds = ["program"], status, ...page } = query;
      const statuses = status === undefined ? {} : { statuses: [status] };
      const data: Report[] = [];
      let cursor: string | null | undefined = query.cursor;
      let chars = 0;
      // Reads some at a time: a page ends where it is large, and nothing beyond it has been read by then.
      while (cursor !== null && data.length < query.limit && chars < MAX_PAGE_CHARS) {
        const limit = Math.min(RUNS_AT_ONCE, query.limit - data.length);
        const from = cursor === undefined ? {} : { cursor };
        const found: StoredRunPage = await store.listRuns({
          ...page,
          limit,
          ...from,
          ...statuses,
          ...owner,
          kinds,
        });
        const reports = await Promise.all(found.runs.map((run) => derive(run)));
        data.push(...reports);
        chars += reports.reduce((sum, report) => sum + sizeOf(report), 0);
        cursor = found.nextCursor;
      }
      return { data, next_cursor: cursor ?? null };
    },
    async events(id, viewer, options) {
      const isTheirs = (await find(id, viewer)) !== undefined;
      return isTheirs ? followers.follow(id, options) : undefined;
    },
    runs: overview.runs,
    approvals: overview.approvals,
  };

  /** The last event of a run at this time; its first one at least. */
  async function seqAt(id: string, time: number): Promise<number | undefined> {
    const events = await eventsOf(id);
    return events.length === 0 ? undefined : Math.max(1, events.filter(({ at }) => at <= time).length);
  }
}

/** Roughly the characters of a report as JSON, without counting its tokens. */
function sizeOf({ result, logs, calls, pending }: Report): number {
  return JSON.stringify([result, logs, calls, pending]).length;
}
