/**
 * One program from its first lease to its last event. It may give its worker back and go on later, in this process or
 * another: what it is then, its journal says. Everything here happens once, however often the program is executed.
 */
import { type EngineOutcome, PoolRefusal, SUSPEND } from "../../../sandbox/index.ts";
import { originsOf } from "../../code/compile.ts";
import type { JournalEventBody } from "../../journal.ts";
import type { GateCall, HumanDecision } from "../../tools/gate/gate-call.ts";
import type { Decidable } from "../live/approvals.ts";
import { createLease, type GateRest, type Lease } from "../live/lease.ts";
import type { Journal } from "../live/live-journal.ts";
import type { OwnedRun } from "../live/owned-runs.ts";
import { createTurnstile } from "../live/turnstile.ts";
import type { CompiledText } from "../program/compile-for-run.ts";
import { toHistory } from "../record/history.ts";
import { toCallId } from "../record/ids.ts";
import { deriveReport } from "../record/report.ts";
import type { PendingCall, Report } from "../record/report-shape.ts";
import type { ProgramSpec } from "../record/run-spec.ts";
import { ProgramGate } from "./program-gate.ts";
import { ProgramRecord } from "./program-record.ts";
import type { ProgramDeps, ProgramRunOptions } from "./program-run-options.ts";

export class ProgramRun implements OwnedRun, Decidable {
  readonly id: string;
  readonly principal: string;
  readonly decidable: Decidable = this;
  readonly #options: ProgramRunOptions;
  readonly #deps: ProgramDeps;
  readonly #gate: ProgramGate;
  readonly #record: ProgramRecord;
  #abort = new AbortController();
  #lease: Lease | undefined;
  #leased: Promise<void> | undefined;
  #suspended = false;
  /** Its calls may still be under way. */
  #stranded: { readonly lease: Lease; readonly quiet: Promise<void> } | undefined;
  readonly #turnstile = createTurnstile();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(options: ProgramRunOptions, deps: ProgramDeps) {
    this.#options = options;
    this.#deps = deps;
    this.id = options.identity.head.id;
    this.principal = options.identity.principal;
    this.#gate = new ProgramGate(options, deps);
    this.#record = new ProgramRecord(options, deps.pool);
  }

  get journal(): Journal {
    return this.#options.journal();
  }

  report(): Report {
    return deriveReport(this.#options.identity.head, this.journal.state);
  }

  /** The first lease. Throws `PoolRefusal` at once when there is no place; then nothing has happened. */
  start(): void {
    this.#take(undefined, () => this.#record.opened());
  }

  /** The compiler refused it: it never runs. `denied` are calls in its text that its policy would have refused. */
  refuse(end: JournalEventBody, denied: CompiledText["denied"]): void {
    this.#record.refused(end, denied);
  }

  takeUp(): void {
    this.resume("restart");
  }

  /** Another lease: the program repeats its journal and goes on. Does nothing while it has one, or has ended. */
  resume(cause: "decision" | "restart"): void {
    if (this.#lease !== undefined || this.#suspended || this.ended) return;
    const { events, state } = this.journal;
    this.#gate.narrow(state.layers);
    if (this.#options.identity.program.compiled === null) this.#endNow("cancelled");
    else
      this.#goOn(() => {
        if (events.length === 0) return this.#record.opened();
        const { engine } = this.#deps.pool;
        // A decision may have come since it was asked to resume.
        const { layers } = this.#gate;
        const narrowed = layers === undefined ? {} : { layers };
        return this.journal.append({ type: "resumed", cause, engine, ...narrowed }).at;
      });
  }

  /** Goes on although it was cancelled, if that was at this time or later: milliseconds since the Unix epoch. */
  reopen(cancelledSince: number): void {
    const { end } = this.journal.state;
    if (end?.status !== "cancelled" || end.at < cancelledSince) return;
    this.journal.append({ type: "reopened" });
    this.resume("restart");
  }

  get ended(): boolean {
    return this.journal.state.end !== undefined;
  }

  /** Resolves when the run has ended or waits, and nobody who is asked is about to change that. Never rejects. */
  async rest(): Promise<void> {
    while (this.#leased !== undefined || (this.#asking.size > 0 && !this.ended))
      await (this.#leased ?? Promise.race(this.#asking.values()));
  }

  /** A call is decided, and its journal says so. */
  goOn(call: string, decision: HumanDecision): void {
    if (this.#lease === undefined) this.resume("decision");
    else {
      this.#gate.narrow(this.journal.state.layers);
      this.#lease.decided(call, decision);
    }
  }

  cancel(): void {
    this.#endNow("cancelled");
  }

  /** Lets go of it without an end: another process, or this one later, goes on with what the journal has. */
  suspend(): void {
    this.#stranded?.lease.close();
    this.#suspended = true;
    this.#abort.abort(SUSPEND);
  }

  strand(): void {
    const lease = this.#lease;
    if (lease !== undefined) this.#stranded = { lease, quiet: lease.finish() };
    this.#suspended = true;
    this.#abort.abort(SUSPEND);
  }

  async quiet(): Promise<void> {
    await this.#stranded?.quiet;
  }

  /** Nobody decided in time. Only for a run that waits. */
  expire(): void {
    if (this.#lease === undefined && this.#asking.size === 0) this.#endNow("approval_expired");
  }

  /** The gate's view of one of its calls. */
  gate(id: string, tool: string, args: string, rest: GateRest): GateCall {
    return this.#gate.show(id, tool, args, rest);
  }

  /** Runs what must see the run's calls as they are, one after the other: decisions. */
  exclusively<T>(act: () => Promise<T>): Promise<T> {
    return this.#turnstile(act);
  }

  /** A pool that takes nothing more leaves the run as it is, for the next process. */
  #goOn(opens: () => number): void {
    try {
      this.#take(this.journal, opens);
    } catch (error) {
      if (!(error instanceof PoolRefusal)) throw error;
      this.#deps.log.warn({ err: error, run: this.id }, "a run could not go on here");
    }
  }

  #endNow(code: "cancelled" | "approval_expired"): void {
    this.#stranded?.lease.close();
    if (this.#lease !== undefined) {
      this.#abort.abort();
      return;
    }
    if (!this.ended) this.#record.endedAtRest(code);
  }

  /** `past`: what it repeats; absent for the first lease. */
  #take(past: Pick<Journal, "events" | "state"> | undefined, opens: () => number): void {
    const { pool, callTimeoutMs, bridge, log } = this.#deps;
    const { id, principal } = this;
    const { program, head, namespaces } = this.#options.identity;
    const { limits } = head;
    const { compiled, input } = program;
    if (compiled === null) throw new Error("a program that was not compiled cannot run");
    const history = past && toHistory(past.events, past.state);
    let startedAt = performance.now();
    const abort = new AbortController();
    const lease = createLease({
      journal: () => this.journal,
      bridge,
      log,
      callTimeoutMs,
      leftMs: () => limits.wallMs - (history?.used.wallMs ?? 0) - (performance.now() - startedAt),
      gate: ({ n, tool, args, fault }, rest) => ({
        ...this.gate(toCallId(id, n), tool, args, rest),
        ...(fault === undefined ? {} : { fault }),
      }),
      openCall: (call, n) => (history?.requests.has(n) ? this.journal.state.call(call)?.open : undefined),
      onPending: (pending) => this.#ask(pending),
      onStarted: () => {
        startedAt = performance.now();
        return opens();
      },
    });
    const outcome = pool.run({
      principal,
      limits,
      signal: abort.signal,
      program: {
        js: compiled.js,
        origins: originsOf(compiled.positions),
        namespaces,
        input: JSON.stringify(input ?? null),
        seed: id,
      },
      ...(history === undefined ? { admitted: past !== undefined } : { history }),
      host: lease.host,
    });
    this.#abort = abort;
    this.#lease = lease;
    this.#leased = outcome.then((end) => {
      if (this.#stranded?.lease !== lease) lease.close();
      this.#lease = undefined;
      this.#leased = undefined;
      this.#finish(end, compiled);
    });
  }

  #ask(pending: PendingCall): void {
    const { onPending } = this.#options;
    const { call } = pending;
    if (onPending === undefined || this.#asking.has(call)) return;
    this.#asking.set(
      call,
      onPending(pending).finally(() => this.#asking.delete(call)),
    );
  }

  #finish(outcome: EngineOutcome, compiled: NonNullable<ProgramSpec["compiled"]>): void {
    if (outcome.type === "suspended") return;
    this.#record.left(outcome, compiled);
    if (outcome.type === "parked" && this.#hasDecided()) this.resume("decision");
  }

  /** A decision that came while the lease was ending has not been taken up by it. */
  #hasDecided(): boolean {
    return this.journal.state.unfinished.some(({ open }) => open?.step === "decided");
  }
}
