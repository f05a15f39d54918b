/**
 * The run life cycle: who may start what, which runs this process carries, and how every other part finds a run:
 * by its id and for its owner only.
 */
import { createHash } from "node:crypto";
import { PoolRefusal, type RunLimits, type WorkerPool } from "../../sandbox/index.ts";
import type { Compiler } from "../code/compile.ts";
import { ToolariumError } from "../errors.ts";
import type { JournalEvent } from "../journal.ts";
import type { Log } from "../log.ts";
import type { RunRecord, Store, StoredRun } from "../store/store.ts";
import type { Bridge, HumanDecision } from "../tools/bridge.ts";
import type { Catalog } from "../tools/catalog.ts";
import type { Policy } from "../tools/policy.ts";
import { type CallRun, type CallRunRequest, openCallRun } from "./call-run.ts";
import { mergeChildren } from "./chat-report.ts";
import { createRunId } from "./ids.ts";
import { createJournal, type Journal } from "./live-journal.ts";
import { programGlobals } from "./program-globals.ts";
import { type Program, recordRefusal, runProgram } from "./program-run.ts";
import { endAbandoned } from "./recovery.ts";
import { type Diagnostic, deriveReport, type PendingCall, type Report, type RunStatus } from "./report.ts";

export interface ProgramRequest {
  readonly principal: string;
  readonly code: string;
  readonly input?: unknown;
  readonly policy: Policy;
  readonly limits: RunLimits;
  readonly typecheck: "error" | "warn" | "off";
  /** `park`: a call that needs consent ends the response with status `waiting`. `deny`: it rejects in the program. */
  readonly approval: "park" | "deny";
  /** Decides a call that needs consent while the program waits; undefined leaves it pending. Must not reject. */
  readonly onApproval?: (pending: PendingCall) => Promise<HumanDecision | undefined>;
  /** The chat run this program belongs to. */
  readonly parent?: string;
  /** Aborting cancels the run. */
  readonly signal?: AbortSignal;
}

export type { CallRun, CallRunRequest } from "./call-run.ts";

/** A run that this process carries. */
export interface ActiveRun {
  readonly id: string;
  report(): Report;
  /** Resolves when the run ended or waits for a person. Never rejects. */
  readonly done: Promise<Report>;
  cancel(): void;
  /** Events after this seq, then live ones, until the run ends or waits. */
  events(afterSeq?: number): AsyncIterable<JournalEvent>;
}

/** Who asks: `admin` may read what belongs to others. */
export interface Viewer {
  readonly principal: string;
  readonly admin: boolean;
}

export interface RunPage {
  readonly data: readonly Report[];
  readonly next_cursor: string | null;
}

export interface RunListQuery {
  /** Default: programs only. */
  readonly kinds?: readonly StoredRun["kind"][];
  readonly status?: RunStatus;
  readonly limit: number;
  readonly cursor?: string;
}

export interface RunnerDeps {
  readonly pool: WorkerPool;
  readonly compiler: Compiler;
  readonly bridge: Bridge;
  readonly store: Store;
  readonly log: Log;
  readonly catalog: () => Catalog;
  /** Milliseconds for one tool call. */
  readonly callTimeoutMs: number;
}

/** What is fixed about a run, as JSON text in its record. */
interface RunSpec {
  readonly limits: RunLimits;
  readonly diagnostics: readonly Diagnostic[];
  readonly policy: Policy;
  readonly catalogVersion: string;
  readonly code?: string;
  readonly input?: unknown;
  readonly approval?: "park" | "deny";
}

interface Carried {
  readonly principal: string;
  readonly journal: Journal;
  readonly report: () => Report;
  readonly cancel: () => void;
  readonly done: Promise<unknown>;
}

export class Runner {
  readonly #deps: RunnerDeps;
  readonly #carried = new Map<string, Carried>();
  #draining = false;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** The catalog that new runs get. */
  catalog(): Catalog {
    return this.#deps.catalog();
  }

  /**
   * Compiles the program and hands it to the pool. Whatever the program does is in the report.
   * Rejects with `queue_full` or `not_ready`; then nothing of it has happened and nothing is recorded.
   */
  async start(request: ProgramRequest): Promise<ActiveRun> {
    this.#refuseWhileDraining();
    const catalog = this.#deps.catalog();
    const id = createRunId();
    const createdAt = Date.now();
    const compileStart = performance.now();
    // Not under the request's signal: a run that is cancelled has a report like any other.
    const outcome = await this.#deps.compiler.compile(
      {
        code: request.code,
        sourceBytes: request.limits.sourceBytes,
        globals: programGlobals(catalog),
      },
      { principal: request.principal },
    );
    const diagnostics = outcome.ok ? outcome.program.diagnostics : outcome.diagnostics;
    const { code, input = null, approval, policy, limits, principal, parent = null } = request;
    const spec: RunSpec = {
      limits,
      diagnostics,
      policy,
      catalogVersion: catalog.version,
      code,
      input,
      approval,
    };
    const record: RunRecord = {
      id,
      principal,
      kind: "program",
      parent,
      createdAt,
      spec: JSON.stringify(spec),
    };
    const abort = new AbortController();
    let journal: Journal | undefined;
    const program: Program = {
      id,
      request,
      catalog,
      programHash: createHash("sha256").update(code).digest("hex"),
      compileMs: performance.now() - compileStart,
      signal: request.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, request.signal]),
      journal: () => {
        journal ??= createJournal({ store: this.#deps.store, run: record, log: this.#deps.log });
        return journal;
      },
    };

    let finished: Promise<void> = Promise.resolve();
    if (outcome.ok) finished = this.#hand(() => runProgram(program, outcome.program, this.#deps));
    else recordRefusal(program, outcome);
    const head = { id, createdAt, limits, diagnostics };
    const report = (): Report => deriveReport(head, program.journal().events);
    const done = finished.then(report);
    this.#carry(id, { principal, journal: program.journal(), report, cancel: () => abort.abort(), done });
    return {
      id,
      report,
      done,
      cancel: () => abort.abort(),
      events: (afterSeq) => program.journal().subscribe(afterSeq),
    };
  }

  /** A record for calls made outside a program. Rejects with `not_ready` while the gateway stops. */
  async openCalls(request: CallRunRequest): Promise<CallRun> {
    this.#refuseWhileDraining();
    const { principal, kind, policy, limits } = request;
    const catalog = this.#deps.catalog();
    const id = createRunId();
    const createdAt = Date.now();
    const spec: RunSpec = { limits, diagnostics: [], policy, catalogVersion: catalog.version };
    const record: RunRecord = { id, principal, kind, parent: null, createdAt, spec: JSON.stringify(spec) };
    const journal = createJournal({ store: this.#deps.store, run: record, log: this.#deps.log });
    const { bridge, callTimeoutMs } = this.#deps;
    const run = openCallRun({ id, request, catalog, journal, bridge, callTimeoutMs });
    const head = { id, createdAt, limits, diagnostics: [] };
    const report = (): Report => deriveReport(head, journal.events);
    this.#carry(id, { principal, journal, report, cancel: run.cancel, done: run.ended });
    return run;
  }

  /** Undefined when there is no such run, and also when it is somebody else's. */
  async report(id: string, viewer: Viewer): Promise<Report | undefined> {
    const run = await this.#find(id, viewer);
    if (run === undefined) return undefined;
    const report = this.#carried.get(id)?.report() ?? (await this.#derive(run));
    if (run.kind !== "chat") return report;
    const { runs } = await this.#deps.store.listRuns({ parent: id, limit: 200 });
    const children = await Promise.all(
      runs.toReversed().map((child) => this.#carried.get(child.id)?.report() ?? this.#derive(child)),
    );
    return mergeChildren(report, children);
  }

  async list(viewer: Viewer, query: RunListQuery): Promise<RunPage> {
    const owner = viewer.admin ? {} : { principal: viewer.principal };
    const { kinds = ["program"], ...page } = query;
    const { runs, nextCursor } = await this.#deps.store.listRuns({ ...page, ...owner, kinds });
    const data = runs.map((run) => this.#carried.get(run.id)?.report() ?? this.#derive(run));
    return { data: await Promise.all(data), next_cursor: nextCursor };
  }

  /** Ends a run that has not ended; answers its report either way. Undefined as for `report`. */
  async cancel(id: string, viewer: Viewer): Promise<Report | undefined> {
    const run = await this.#find(id, viewer);
    if (run === undefined) return undefined;
    const carried = this.#carried.get(id);
    if (carried !== undefined) {
      carried.cancel();
      await carried.done;
    }
    if (this.#carried.get(id) === undefined) await this.#endStored(run, "The run was cancelled.");
    if (run.kind === "chat") {
      const { runs } = await this.#deps.store.listRuns({ parent: id, limit: 200 });
      await Promise.all(runs.map((program) => this.cancel(program.id, viewer)));
    }
    return this.report(id, viewer);
  }

  /** Events of a run, live while this process carries it. Undefined as for `report`. */
  async events(id: string, viewer: Viewer, afterSeq = 0): Promise<AsyncIterable<JournalEvent> | undefined> {
    const run = await this.#find(id, viewer);
    if (run === undefined) return undefined;
    const carried = this.#carried.get(id);
    if (carried !== undefined) return carried.journal.subscribe(afterSeq);
    const events = await this.#deps.store.readJournal(id, afterSeq);
    return (async function* () {
      yield* events;
    })();
  }

  /** Ends what an earlier process left unfinished; runs that wait for a person stay. Returns how many it ended. */
  async recover(): Promise<number> {
    let ended = 0;
    for (const status of ["queued", "running"] as const) {
      for (;;) {
        const { runs } = await this.#deps.store.listRuns({ status, limit: 200 });
        if (runs.length === 0) break;
        for (const run of runs)
          await this.#endStored(run, "The gateway stopped while this run was going on.");
        ended += runs.length;
      }
    }
    return ended;
  }

  /** Takes no new runs, lets the present ones finish for this time, then cancels them. Resolves when none is left. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const all = (): Promise<unknown> => Promise.all([...this.#carried.values()].map((run) => run.done));
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([all(), deadline.promise]);
    clearTimeout(timer);
    for (const run of this.#carried.values()) run.cancel();
    await all();
  }

  #refuseWhileDraining(): void {
    if (this.#draining)
      throw new ToolariumError("not_ready", "The gateway is stopping and takes no new runs.");
  }

  #hand(run: () => Promise<void>): Promise<void> {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof PoolRefusal)) throw error;
      const options = { cause: error, retryAfterSeconds: 1 };
      if (error.code === "queue_full") throw new ToolariumError("queue_full", error.message, options);
      throw new ToolariumError("not_ready", "The sandbox is not ready to run programs.", options);
    }
  }

  /** Keeps the run findable until it is at rest and everything of it is in the store. */
  #carry(id: string, run: Carried): void {
    this.#carried.set(id, run);
    const release = (): void => {
      run.journal.close();
      this.#carried.delete(id);
    };
    void run.done.then(() => run.journal.flush()).then(release, release);
  }

  async #find(id: string, viewer: Viewer): Promise<StoredRun | undefined> {
    const carried = this.#carried.get(id);
    if (carried !== undefined && carried.principal !== viewer.principal && !viewer.admin) return undefined;
    const run = await this.#deps.store.getRun(id);
    return run !== undefined && (viewer.admin || run.principal === viewer.principal) ? run : undefined;
  }

  async #derive(run: StoredRun): Promise<Report> {
    const { limits, diagnostics } = JSON.parse(run.spec) as RunSpec;
    const { id, createdAt } = run;
    return deriveReport({ id, createdAt, limits, diagnostics }, await this.#deps.store.readJournal(id));
  }

  async #endStored(run: StoredRun, message: string): Promise<void> {
    const stored = await this.#deps.store.readJournal(run.id);
    const journal = createJournal({ store: this.#deps.store, run, log: this.#deps.log, stored });
    endAbandoned(journal, message);
    await journal.flush();
  }
}
