/**
 * The run life cycle: who may start what, how a run that rests goes on, and what becomes of runs when the process
 * starts and stops.
 */
import { PoolRefusal } from "../../sandbox/index.ts";
import type { Compiler } from "../code/compile.ts";
import { ToolariumError } from "../errors.ts";
import type { JournalEvent, RequestMark } from "../journal.ts";
import type { Store, StoredRun } from "../store/store.ts";
import type { HumanDecision } from "../tools/gate-call.ts";
import type { PolicyLayer } from "../tools/policy.ts";
import { decideCall, waitsSince } from "./approvals.ts";
import { createBuiltins } from "./builtins.ts";
import { type SettledCall, settlementIn } from "./call-result.ts";
import { CallRun } from "./call-run.ts";
import { Carriage, type Carried } from "./carriage.ts";
import { isAsked, narrowReport, seesWhole, type Viewer } from "./deciders.ts";
import { endRefused } from "./endings.ts";
import { createExpiry, type Expiry } from "./expiry.ts";
import { callIdOf } from "./ids.ts";
import { createJournal, type Journal } from "./live-journal.ts";
import { loadRun } from "./loading.ts";
import { type CallRunRequest, openCallRun } from "./open-calls.ts";
import { type ProgramRequest, prepareProgram } from "./prepare.ts";
import { type ProgramDeps, ProgramRun } from "./program-run.ts";
import { createRunReader, type RunReader } from "./reading.ts";
import type { TokenBudgets } from "./receipt.ts";
import { recoverRuns } from "./recovery.ts";
import { createReuse, readFailedProgram } from "./repair.ts";
import type { PendingCall, Report } from "./report.ts";
import { requestKey } from "./request-keys.ts";

/** A run that this process carries. */
export interface ActiveRun {
  readonly id: string;
  report(): Report;
  /** Resolves when the run ended or waits for a person. Never rejects. */
  readonly done: Promise<Report>;
  cancel(): void;
  /** Events after this seq, then live ones. `rest`, the default: until the run ends or waits. `end`: until nobody carries it. */
  events(afterSeq?: number, until?: "rest" | "end"): AsyncIterable<JournalEvent>;
}

/** What a person says of a call, by any road. */
export interface Decision {
  readonly run: string;
  readonly call: string;
  readonly decision: HumanDecision;
  readonly viewer: Viewer;
  /** What the deciding request adds to the run's policy: it can only narrow. */
  readonly layers?: readonly PolicyLayer[];
}

/** What follows from a decision. */
export interface Decided {
  /** The report once the run has ended or waits again, as far as the viewer may read it. */
  readonly done: Promise<Report>;
  /** The same, as it stands. */
  report(): Promise<Report>;
  /** What became of the call; undefined when its run ended first. */
  readonly settled: Promise<SettledCall | undefined>;
}

export interface RunnerDeps extends Omit<ProgramDeps, "builtins"> {
  readonly compiler: Compiler;
  readonly store: Store;
  /** Milliseconds for which a call waits for a person. */
  readonly approvalExpiresMs: number;
  /** See `PrepareDeps`. */
  readonly tokenBudgets?: TokenBudgets;
}

export class Runner {
  readonly #deps: RunnerDeps & ProgramDeps;
  readonly #carriage: Carriage<Carried>;
  readonly #reader: RunReader;
  readonly #expiry: Expiry;
  #recovery: Promise<unknown> = Promise.resolve();
  #draining = false;

  constructor(deps: RunnerDeps) {
    this.#carriage = new Carriage((run) => this.#watch(run.id, run.journal.events));
    this.#reader = createRunReader(deps.store, (id) => this.#carriage.get(id));
    this.#deps = { ...deps, builtins: (principal) => createBuiltins(principal, this.#reader) };
    this.#expiry = createExpiry((id) => void this.#expire(id));
  }

  /** Reports, lists, events, pending calls. */
  get reader(): RunReader {
    return this.#reader;
  }

  /** The catalog that new runs get, those of one principal with what its calls have taught. */
  catalog(principal?: string): ReturnType<RunnerDeps["catalog"]> {
    return this.#deps.catalog(principal);
  }

  /**
   * Compiles the program and hands it to the pool. Whatever the program does is in the report.
   * Rejects with `queue_full` or `not_ready`; then nothing of it has happened and nothing is recorded.
   */
  async start(request: ProgramRequest): Promise<ActiveRun> {
    this.#refuseWhileDraining();
    const { signal, onApproval, repairOf, principal } = request;
    const { store, log } = this.#deps;
    const catalog = this.#deps.catalog(principal);
    const source = repairOf && (await readFailedProgram(repairOf, principal, this.#reader));
    const { outcome, denied, record, identity } = await prepareProgram(request, catalog, this.#deps);
    let journal: Journal | undefined;
    const run: ProgramRun = new ProgramRun(
      {
        identity,
        catalog,
        journal: () => {
          journal ??= createJournal({ store, run: record, log });
          return journal;
        },
        ...(source ? { reuse: createReuse(source, []) } : {}),
        ...(onApproval === undefined
          ? {}
          : { onPending: (pending) => this.#askCaller(run, pending, onApproval) }),
      },
      this.#deps,
    );
    if (outcome.ok) this.#hand(() => run.start());
    else run.refuse(endRefused(outcome, identity.program.compileMs), denied);
    const cancel = (): void => run.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    const done = this.#carriage.keep(run, async () => {
      await run.rest();
      signal?.removeEventListener("abort", cancel);
      await this.#untilEffectsAreKept(run);
      return run.report();
    });
    return {
      id: run.id,
      report: () => run.report(),
      done,
      cancel,
      events: (afterSeq, until) => run.journal.subscribe(afterSeq, until),
    };
  }

  /** A record for calls made outside a program. Rejects with `not_ready` while the gateway stops. */
  async openCalls(request: CallRunRequest): Promise<CallRun> {
    this.#refuseWhileDraining();
    const { signal } = request;
    const run = openCallRun(request, this.#deps);
    const cancel = (): void => run.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    void this.#carriage.keep(run, async () => {
      await run.rest();
      signal?.removeEventListener("abort", cancel);
    });
    return run;
  }

  /**
   * A chat of this principal's own, to go on with: carried from here until it rests after `act`. Undefined when there
   * is none. Rejects with what `act` throws.
   */
  async takeUpChat<T>(
    id: string,
    principal: string,
    act: (run: CallRun) => Promise<T>,
  ): Promise<T | undefined> {
    this.#refuseWhileDraining();
    const acted = Promise.withResolvers<T | undefined>();
    const kept = this.#keepById(id, async (run) => {
      const isTheirs = run instanceof CallRun && run.principal === principal && run.spec.chat !== undefined;
      acted.resolve(isTheirs ? await act(run) : undefined);
      await run.rest();
    });
    kept.then(() => acted.resolve(undefined), acted.reject);
    return acted.promise;
  }

  /** The newest chat that this request began; undefined when it began none that is still kept. */
  async findChat(principal: string, request: RequestMark): Promise<string | undefined> {
    return (await this.#deps.store.findByRequestKey(principal, requestKey(request)))?.id;
  }

  /**
   * The report of a program once it has ended or waits; undefined when there is none. One that was cancelled at this
   * time or later (milliseconds since the Unix epoch) goes on before.
   */
  programAtRest(id: string, cancelledSince: number = Number.POSITIVE_INFINITY): Promise<Report | undefined> {
    return this.#keepById(id, async (run) => {
      if (run instanceof ProgramRun) {
        this.#hand(() => run.reopen(cancelledSince));
        // Of those that an earlier process left it may be the next to be taken up.
        if (run.journal.status !== "waiting") this.#hand(() => run.resume("restart"));
      }
      await run.rest();
      return run.report();
    });
  }

  /** What became of a decided call, once its run has ended or waits. */
  settlement(id: string, call: string): Promise<SettledCall | undefined> {
    return this.#keepById(id, async (run) => {
      await run.rest();
      return settlementIn(run.journal.events, callIdOf(call));
    });
  }

  /**
   * Records what a person said of a call that waits, and lets its run go on. Resolves when that is durable. Undefined
   * when there is no such run, or its call is not theirs to decide.
   *
   * @throws `not_found`, `decision_conflict`, `invalid_arguments`, `tool_not_allowed`: see `decideCall`
   */
  async decide(decision: Decision): Promise<Decided | undefined> {
    this.#refuseWhileDraining();
    const { call, viewer, layers = [] } = decision;
    const stored = await this.#reader.findAsked(decision.run, call, viewer);
    if (stored === undefined) return undefined;
    const { id, principal } = stored;
    const decided = Promise.withResolvers<Pick<Decided, "settled">>();
    const timeoutMs = this.#deps.callTimeoutMs;
    const done = this.#carriage.keepStored(
      id,
      () => this.#load(stored),
      async (run) => {
        if (run.decidable === null)
          throw new ToolariumError("decision_conflict", "The calls of this run cannot be decided.");
        await decideCall(
          run.decidable,
          { call, decision: decision.decision, layers, timeoutMs },
          this.#deps.bridge,
        );
        decided.resolve({ settled: settlementOf(run.journal, callIdOf(call)) });
        await run.rest();
        if (run instanceof ProgramRun) await this.#untilEffectsAreKept(run);
        return run.report();
      },
    );
    done.then(() => undefined, decided.reject);
    const { settled } = await decided.promise;
    const seen = (report: Report): Report =>
      seesWhole(stored, viewer) ? report : narrowReport(report, (tool) => isAsked(stored, tool, viewer));
    const current = async (): Promise<Report> => seen(await this.#reportOf(id, { principal, admin: false }));
    return {
      settled,
      done: done.then((report) => (report === undefined ? current() : seen(report))),
      report: current,
    };
  }

  /** Ends a run that has not ended; answers its report either way. Undefined as for `decide`. */
  async cancel(id: string, viewer: Viewer): Promise<Report | undefined> {
    const run = await this.#reader.find(id, viewer);
    if (run === undefined) return undefined;
    await this.#carriage.keepStored(
      id,
      () => this.#load(run),
      async (carried) => {
        carried.cancel();
        await carried.rest();
        await carried.journal.flush();
      },
    );
    if (run.kind === "chat") {
      const { runs } = await this.#deps.store.listRuns({ parent: id, limit: 200 });
      await Promise.all(runs.map((program) => this.cancel(program.id, viewer)));
    }
    return this.#reader.report(id, viewer);
  }

  /**
   * Takes up what an earlier process left: programs go on in the background, and calls that people decided; those that
   * wait are watched, and what only a client could go on with is ended. For the one process that owns the store.
   * Returns how many there were.
   */
  async recover(): Promise<{ readonly resumed: number; readonly ended: number }> {
    const { store, log } = this.#deps;
    const { resumed, ended, atRest } = await recoverRuns({
      store,
      log,
      keep: (run, act) => this.#carriage.keepStored(run.id, () => this.#load(run), act),
      watch: (id, events) => {
        if (!this.#expiry.isWatched(id)) this.#watch(id, events);
      },
      stopped: () => this.#draining,
    });
    this.#recovery = atRest;
    return { resumed, ended };
  }

  /**
   * Takes no new runs and lets the present ones finish for this time. Then `suspend` leaves programs as they are, for
   * the next process to go on with, and `cancel` ends them. Resolves when none is left.
   */
  async drain(deadlineMs: number, rest: "suspend" | "cancel"): Promise<void> {
    this.#draining = true;
    const all = (): Promise<unknown> => Promise.all(this.#carriage.all().map((run) => run.rest()));
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([all(), deadline.promise]);
    clearTimeout(timer);
    for (const run of this.#carriage.all()) run[rest]();
    await all();
    await this.#recovery;
    this.#expiry[Symbol.dispose]();
  }

  /** The answer of a run that may have changed something is given when its record is as durable as its effects. */
  async #untilEffectsAreKept(run: ProgramRun): Promise<void> {
    const changes = run.journal.events.some((event) => event.type === "started" && !event.readOnly);
    if (changes) await run.journal.flush().catch(() => undefined);
  }

  async #askCaller(
    run: ProgramRun,
    pending: PendingCall,
    onApproval: NonNullable<ProgramRequest["onApproval"]>,
  ): Promise<void> {
    const decision = await onApproval(pending);
    if (decision === undefined) return;
    const { callTimeoutMs: timeoutMs, bridge, log } = this.#deps;
    const request = { call: pending.call, decision, layers: [], timeoutMs };
    await decideCall(run, request, bridge).catch((error: unknown) => {
      log.warn({ err: error, call: pending.call }, "a decision could not be taken; the call stays pending");
    });
  }

  #load(stored: StoredRun): Promise<Carried> {
    return loadRun(stored, this.#deps);
  }

  async #expire(id: string): Promise<void> {
    if (this.#draining) return;
    const code = await this.#keepById(id, async (run) => {
      run.expire?.();
      await run.rest();
      return run.report().error?.code;
    });
    if (code !== "approval_expired") return;
    // Its chat waited for the same decision.
    const parent = (await this.#deps.store.getRun(id))?.parent ?? null;
    if (parent !== null) await this.#expire(parent);
  }

  /** Carries a run while `act` uses it, and until it is at rest. Undefined when there is none of this id. */
  async #keepById<T>(id: string, act: (run: Carried) => Promise<T>): Promise<T | undefined> {
    const stored = await this.#deps.store.getRun(id);
    return stored && this.#carriage.keepStored(id, () => this.#load(stored), act);
  }

  /** A run at rest ends when what it waits for has taken too long. */
  #watch(id: string, events: readonly JournalEvent[]): void {
    const since = waitsSince(events);
    if (since === undefined) this.#expiry.forget(id);
    else this.#expiry.watch(id, since + this.#deps.approvalExpiresMs);
  }

  async #reportOf(id: string, viewer: Viewer): Promise<Report> {
    const report = await this.#reader.report(id, viewer);
    if (report === undefined) throw new ToolariumError("not_found");
    return report;
  }

  #refuseWhileDraining(): void {
    if (this.#draining)
      throw new ToolariumError("not_ready", "The gateway is stopping and takes no new runs.");
  }

  #hand(start: () => void): void {
    try {
      start();
    } catch (error) {
      if (!(error instanceof PoolRefusal)) throw error;
      const options = { cause: error, retryAfterSeconds: 1 };
      if (error.code === "queue_full") throw new ToolariumError("queue_full", error.message, options);
      throw new ToolariumError("not_ready", "The sandbox is not ready to run programs.", options);
    }
  }
}

async function settlementOf(journal: Journal, call: string): Promise<SettledCall | undefined> {
  for await (const event of journal.subscribe(0, "end"))
    if (event.type === "settled" && event.call === call) return settlementIn(journal.events, call);
  return undefined;
}
