/**
 * The run life cycle: starts runs, resumes those at rest, and takes care of runs when the process starts and stops. A
 * run that another process owns is followed there, and messages for it are passed on.
 */
import { ToolariumError } from "../errors.ts";
import type { RequestMark } from "../journal.ts";
import { createElsewhere, type Elsewhere } from "./elsewhere.ts";
import { CallRun } from "./execution/call-run.ts";
import { ProgramRun } from "./execution/program-run.ts";
import type { ActiveRun, Decided, Decision } from "./live/active-run.ts";
import type { Viewer } from "./live/deciders.ts";
import { createExpiry, type Expiry } from "./live/expiry.ts";
import { createFollowers, type Followers } from "./live/followers.ts";
import { handOver } from "./live/hand-over.ts";
import { type Loan, type OwnedRun, OwnedRuns } from "./live/owned-runs.ts";
import { isElsewhere } from "./live/ownership.ts";
import { createRevival, type Revival, refuseUnwritable } from "./live/revival.ts";
import { noPeers, type Peers } from "./peers.ts";
import { loadRun } from "./prepare/loading.ts";
import type { CallRunRequest } from "./prepare/open-calls.ts";
import type { ProgramRequest } from "./prepare/prepare.ts";
import { createBuiltins } from "./read/builtins.ts";
import { createRunReader, type RunReader } from "./read/reading.ts";
import { type SettledCall, settlementIn } from "./record/call-result.ts";
import { callIdOf } from "./record/ids.ts";
import type { Report } from "./record/report-shape.ts";
import { requestKey } from "./record/request-keys.ts";
import { type RecoveryDeps, recoverRun, recoverRuns } from "./recovery.ts";
import { openCalls, type StartingDeps, type StartingParts, startProgram } from "./starting.ts";
import { createTelling, type Telling } from "./telling.ts";

export interface RunnerDeps extends Omit<StartingDeps, "builtins" | "onLost"> {
  /** Milliseconds for which a call waits for a person. */
  readonly approvalExpiresMs: number;
  /** Absent: no other process works on the store. */
  readonly peers?: Peers | undefined;
}

export class Runner {
  readonly #deps: RunnerDeps & StartingDeps;
  readonly #peers: Peers;
  readonly #owned: OwnedRuns<OwnedRun>;
  readonly #followers: Followers;
  readonly #reader: RunReader;
  readonly #elsewhere: Elsewhere;
  readonly #telling: Telling;
  readonly #expiry: Expiry;
  readonly #revival: Revival;
  readonly #recovery: RecoveryDeps;
  readonly #leaving: (() => void)[] = [];
  /** Runs being taken up or looked for in the background. */
  #background: Promise<unknown> = Promise.resolve();
  #draining = false;

  constructor(deps: RunnerDeps) {
    const { store, log, approvalExpiresMs: expiresMs, peers = noPeers(deps.store) } = deps;
    this.#peers = peers;
    this.#owned = new OwnedRuns<OwnedRun>({
      ownership: peers.ownership,
      load: async (id, claim) => {
        const stored = await store.getRun(id);
        return stored && loadRun(stored, claim, this.#deps);
      },
      onRest: ({ journal }) => {
        const { waitsSince } = journal.state;
        if (waitsSince !== undefined) this.#expiry.expect(waitsSince);
      },
      onStranded: (run) => this.#revival.stranded(run),
    });
    const owned = (id: string): OwnedRun | undefined => this.#owned.get(id);
    this.#followers = createFollowers({ store, signals: peers.signals, journal: (id) => owned(id)?.journal });
    this.#reader = createRunReader({ store, log }, owned, this.#followers);
    this.#elsewhere = createElsewhere({ store, followers: this.#followers, reader: this.#reader });
    this.#deps = {
      ...deps,
      builtins: (principal) => createBuiltins(principal, this.#reader),
      onLost: (id) => this.#revival.lost(id),
    };
    this.#expiry = createExpiry({ store, log, expiresMs, expire: (id) => this.#expire(id) });
    this.#revival = createRevival({ store, log, owned: this.#owned, takeUp: (id) => this.#takeUp(id) });
    this.#recovery = {
      store,
      log,
      ownership: peers.ownership,
      stopped: () => this.#draining,
      claim: async ({ id, kind }) => {
        // A chat in use is being answered, or is taking a decision.
        if (kind !== "program" && owned(id) !== undefined) return undefined;
        const found = await this.#owned.borrow(id);
        return found === undefined || isElsewhere(found) ? undefined : found;
      },
    };
    const { mailbox } = peers;
    this.#telling = createTelling({ ...this.#deps, owned: this.#owned, mailbox, elsewhere: this.#elsewhere });
  }

  /** Reports, lists, events, pending calls. */
  get reader(): RunReader {
    return this.#reader;
  }

  /** The catalog that new runs get; with a principal, extended by what its calls have taught. */
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
  async openCalls(request: Omit<CallRunRequest, "once">): Promise<CallRun> {
    this.#refuseNewRun(request);
    const opened = await openCalls(request, this.#parts());
    if ("known" in opened) throw new Error("a record that need not be the only one was not opened");
    return opened;
  }

  /**
   * The record of a chat. With `once` it opens nothing when the same request has opened one before, here or in another
   * process: then `known` is that one. Rejects as `start`.
   */
  async openChat(request: CallRunRequest): Promise<CallRun | { readonly known: string }> {
    this.#refuseNewRun(request);
    return openCalls(request, this.#parts());
  }

  /**
   * Borrows a chat of this principal, to answer in it. This process owns the chat until the loan is returned and the
   * chat rests. Waits while another process answers in it, unless the signal aborts. Undefined when there is none.
   */
  async borrowChat(id: string, principal: string, signal: AbortSignal): Promise<Loan<CallRun> | undefined> {
    this.#refuseChanges();
    let found = await this.#owned.borrow(id);
    while (found !== undefined && isElsewhere(found)) {
      await found.released(signal);
      found = await this.#owned.borrow(id);
    }
    if (found === undefined) return undefined;
    const { run, [Symbol.dispose]: giveBack } = found;
    if (run instanceof CallRun && run.principal === principal && run.spec.chat !== undefined)
      return { run, [Symbol.dispose]: giveBack };
    giveBack();
    return undefined;
  }

  /** The newest chat that this request began; undefined when none of them is still kept. */
  async findChat(principal: string, request: RequestMark): Promise<string | undefined> {
    return (await this.#deps.store.findByRequestKey(principal, requestKey(request)))?.id;
  }

  /**
   * The report of a program once it has ended or waits; undefined when there is none. One that was cancelled at this
   * time or later (milliseconds since the Unix epoch) resumes first.
   */
  async programAtRest(
    id: string,
    cancelledSince: number = Number.POSITIVE_INFINITY,
  ): Promise<Report | undefined> {
    const found = await this.#owned.borrow(id);
    if (found === undefined) return undefined;
    if (isElsewhere(found)) return this.#elsewhere.end(id);
    using loan = found;
    const { run } = loan;
    if (run instanceof ProgramRun) {
      handOver(() => run.reopen(cancelledSince));
      // A run that an earlier process left may not have been taken up yet.
      if (run.journal.status !== "waiting") handOver(() => run.resume("restart"));
    }
    await run.rest();
    return this.#elsewhere.endAnywhere(run);
  }

  /** How a decided call was settled, once its run has ended or waits. */
  async settlement(id: string, call: string): Promise<SettledCall | undefined> {
    const found = await this.#owned.borrow(id);
    if (found === undefined) return undefined;
    if (isElsewhere(found)) return this.#elsewhere.settlement(id, call);
    using loan = found;
    await loan.run.rest();
    return settlementIn(loan.run.journal.state, callIdOf(call));
  }

  /**
   * Records a person's decision on a pending call and resumes the run, whichever process owns it. Resolves when the
   * decision is durable. Undefined when there is no such run, or the person may not decide its call.
   *
   * @throws `not_found`, `decision_conflict`, `invalid_arguments`, `tool_not_allowed`: see `decideCall`;
   * `store_unavailable`: the decision may still have been recorded, and can be sent again
   */
  async decide(decision: Decision): Promise<Decided | undefined> {
    this.#refuseChanges();
    const stored = await this.#reader.findAsked(decision.run, decision.call, decision.viewer);
    return stored && this.#telling.decide(stored, decision);
  }

  /** Ends a run that has not ended; returns its report either way. Undefined as for `decide`. */
  async cancel(id: string, viewer: Viewer): Promise<Report | undefined> {
    const run = await this.#reader.find(id, viewer);
    if (run === undefined) return undefined;
    await this.#telling.cancel(id);
    if (run.kind === "chat") {
      const { runs } = await this.#deps.store.listRuns({ parent: id, limit: 200 });
      await Promise.all(runs.map((program) => this.cancel(program.id, viewer)));
    }
    return this.#reader.report(id, viewer);
  }

  /**
   * Takes up runs without an owner, now and whenever another process has ended: resumes programs, and calls that people
   * decided; ends what only a client could resume. Waiting runs expire in their time. Returns how many there were.
   */
  async recover(): Promise<{ readonly resumed: number; readonly ended: number }> {
    const { resumed, ended, atRest } = await recoverRuns(this.#recovery);
    this.#background = Promise.all([atRest, this.#expiry.look()]);
    this.#leaving.push(this.#peers.ownership.onWanting(() => this.#recoverAgain()));
    return { resumed, ended };
  }

  /**
   * Takes no new runs and gives the present ones this long to finish. Then `suspend` leaves programs for the next
   * process to resume, and `cancel` ends them. Resolves when none is left.
   */
  async drain(deadlineMs: number, rest: "suspend" | "cancel"): Promise<void> {
    this.#draining = true;
    const all = (): Promise<unknown> =>
      Promise.all(this.#owned.all().map((run) => run.rest().then(() => run.quiet())));
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([all(), deadline.promise]);
    clearTimeout(timer);
    for (const leave of this.#leaving) leave();
    for (const run of this.#owned.all()) run[rest]();
    await all();
    await this.#background;
    await this.#owned.letGoOfAll();
    this.#revival[Symbol.dispose]();
    this.#expiry[Symbol.dispose]();
  }

  #recoverAgain(): void {
    const again = recoverRuns(this.#recovery).then(
      ({ atRest }) => atRest,
      (error: unknown) => this.#deps.log.error({ err: error }, "runs that nobody owns could not be read"),
    );
    this.#background = Promise.all([this.#background, again]);
  }

  /** Resumes a run whose record could not be kept for a while. */
  async #takeUp(id: string): Promise<void> {
    const stored = await this.#deps.store.getRun(id);
    if (stored !== undefined && !this.#draining) await recoverRun(stored, this.#recovery, "store");
  }

  #parts(): StartingParts {
    const { endAnywhere } = this.#elsewhere;
    const { ownership } = this.#peers;
    const [owned, followers, reader] = [this.#owned, this.#followers, this.#reader];
    return { ...this.#deps, ownership, owned, followers, reader, endAnywhere };
  }

  async #expire(id: string): Promise<void> {
    if (this.#draining) return;
    const found = await this.#owned.borrow(id);
    if (found === undefined || isElsewhere(found)) return;
    using loan = found;
    loan.run.expire?.();
    await loan.run.rest();
    if (loan.run.report().error?.code !== "approval_expired") return;
    // Its chat waited for the same decision.
    const { parent } = loan.run.journal.record;
    if (parent !== null) await this.#expire(parent);
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
    // The quota admitted the programs of a chat with the chat itself.
    if (refusal !== undefined && !(refusal.code === "store_full" && parent !== undefined)) throw refusal;
  }
}
