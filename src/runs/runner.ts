/**
 * The run life cycle: who may start what, how a run that rests goes on, and what becomes of runs when the process
 * starts and stops.
 */
import { ToolariumError } from "../errors.ts";
import type { RequestMark } from "../journal.ts";
import type { StoredRun } from "../store/store.ts";
import { decideStored } from "./deciding.ts";
import type { ActiveRun, Decided, Decision } from "./live/active-run.ts";
import { CallRun } from "./live/call-run.ts";
import { Carriage, type Carried } from "./live/carriage.ts";
import type { Viewer } from "./live/deciders.ts";
import { createExpiry, type Expiry } from "./live/expiry.ts";
import { handOver } from "./live/hand-over.ts";
import { endOf, orLost } from "./live/outcomes.ts";
import { ProgramRun } from "./live/program-run.ts";
import { createRevival, type Revival, refuseUnwritable } from "./live/revival.ts";
import { loadRun } from "./prepare/loading.ts";
import type { CallRunRequest } from "./prepare/open-calls.ts";
import type { ProgramRequest } from "./prepare/prepare.ts";
import { createBuiltins } from "./read/builtins.ts";
import { createRunReader, type RunReader } from "./read/reading.ts";
import { type SettledCall, settlementIn } from "./record/call-result.ts";
import { callIdOf } from "./record/ids.ts";
import type { Report } from "./record/report-shape.ts";
import { requestKey } from "./record/request-keys.ts";
import type { RunState } from "./record/run-state.ts";
import { recoverRun, recoverRuns } from "./recovery.ts";
import { openCalls, type StartingDeps, type StartingParts, startProgram } from "./starting.ts";

export interface RunnerDeps extends Omit<StartingDeps, "builtins" | "onLost"> {
  /** Milliseconds for which a call waits for a person. */
  readonly approvalExpiresMs: number;
}

export class Runner {
  readonly #deps: RunnerDeps & StartingDeps;
  readonly #carriage: Carriage<Carried>;
  readonly #reader: RunReader;
  readonly #expiry: Expiry;
  readonly #revival: Revival;
  #recovery: Promise<unknown> = Promise.resolve();
  #draining = false;

  constructor(deps: RunnerDeps) {
    this.#carriage = new Carriage<Carried>(
      (run) => this.#watch(run.id, run.journal.state),
      (run) => this.#revival.stranded(run),
    );
    this.#reader = createRunReader(deps.store, (id) => this.#carriage.get(id));
    this.#deps = {
      ...deps,
      builtins: (principal) => createBuiltins(principal, this.#reader),
      onLost: (id) => this.#revival.lost(id),
    };
    this.#expiry = createExpiry((id) => {
      this.#expire(id).catch((error: unknown) => {
        deps.log.error({ err: error, run: id }, "a run that waited too long could not be ended");
      });
    });
    const { store, log } = deps;
    const carriage = this.#carriage;
    this.#revival = createRevival({ store, log, carriage, takeUp: (id) => this.#takeUp(id) });
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
   * Rejects with `queue_full`, `not_ready`, `store_unavailable` or `store_full`; then nothing of it has happened and
   * nothing is recorded.
   */
  async start(request: ProgramRequest): Promise<ActiveRun> {
    this.#refuseNewRun(request);
    return startProgram(request, this.#parts());
  }

  /** A record for calls made outside a program. Rejects as `start`. */
  async openCalls(request: CallRunRequest): Promise<CallRun> {
    this.#refuseNewRun(request);
    return openCalls(request, this.#parts());
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
    this.#refuseChanges();
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
        handOver(() => run.reopen(cancelledSince));
        // Of those that an earlier process left it may be the next to be taken up.
        if (run.journal.status !== "waiting") handOver(() => run.resume("restart"));
      }
      await run.rest();
      return endOf(run);
    });
  }

  /** What became of a decided call, once its run has ended or waits. */
  settlement(id: string, call: string): Promise<SettledCall | undefined> {
    return this.#keepById(id, async (run) => {
      await run.rest();
      return settlementIn(run.journal.state, callIdOf(call));
    });
  }

  /**
   * Records what a person said of a call that waits, and lets its run go on. Resolves when that is durable. Undefined
   * when there is no such run, or its call is not theirs to decide.
   *
   * @throws `not_found`, `decision_conflict`, `invalid_arguments`, `tool_not_allowed`: see `decideCall`;
   * `store_unavailable`: then the decision can be there later all the same, and may be sent again
   */
  async decide(decision: Decision): Promise<Decided | undefined> {
    this.#refuseChanges();
    const stored = await this.#reader.findAsked(decision.run, decision.call, decision.viewer);
    if (stored === undefined) return undefined;
    return decideStored(stored, decision, {
      ...this.#deps,
      keep: (act) => this.#carriage.keepStored(stored.id, () => this.#load(stored), act),
      report: () => this.#reportOf(stored.id, { principal: stored.principal, admin: false }),
    });
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
        await orLost(carried, carried.journal.flush());
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
      keep: this.#keep,
      watch: (id, state) => {
        if (!this.#expiry.isWatched(id)) this.#watch(id, state);
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
    const all = (): Promise<unknown> =>
      Promise.all(this.#carriage.all().map((run) => run.rest().then(() => run.quiet())));
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([all(), deadline.promise]);
    clearTimeout(timer);
    for (const run of this.#carriage.all()) run[rest]();
    await all();
    await this.#recovery;
    this.#revival[Symbol.dispose]();
    this.#expiry[Symbol.dispose]();
  }

  readonly #keep = (stored: StoredRun, act: (run: Carried) => Promise<void>): Promise<unknown> =>
    this.#carriage.keepStored(stored.id, () => this.#load(stored), act);

  /** After its record could not be kept for a while. */
  async #takeUp(id: string): Promise<void> {
    const { store } = this.#deps;
    const stored = await store.getRun(id);
    if (stored !== undefined && !this.#draining) await recoverRun(stored, { store, keep: this.#keep });
  }

  #parts(): StartingParts {
    return { ...this.#deps, carriage: this.#carriage, reader: this.#reader };
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
  #watch(id: string, { waitsSince }: RunState): void {
    if (waitsSince === undefined) this.#expiry.forget(id);
    else this.#expiry.watch(id, waitsSince + this.#deps.approvalExpiresMs);
  }

  async #reportOf(id: string, viewer: Viewer): Promise<Report> {
    const report = await this.#reader.report(id, viewer);
    if (report === undefined) throw new ToolariumError("not_found");
    return report;
  }

  /** @throws why nothing can be changed now */
  #refuseChanges(): void {
    if (this.#draining)
      throw new ToolariumError("not_ready", "The gateway is stopping and takes no new runs.");
    refuseUnwritable(this.#deps.store);
  }

  /** @throws why nothing new can begin now */
  #refuseNewRun({ principal, parent }: Pick<ProgramRequest, "principal" | "parent">): void {
    this.#refuseChanges();
    const refusal = this.#deps.store.refusalFor(principal);
    // The programs of a chat were let in with it.
    if (refusal !== undefined && !(refusal.code === "store_full" && parent !== undefined)) throw refusal;
  }
}
