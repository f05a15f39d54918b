/**
 * One program from its first lease to its last event. It may give its worker back and go on later, in this process or
 * another: what it is then, its journal says. Everything here happens once, however often the program is executed.
 */
import {
  type EngineOutcome,
  PoolRefusal,
  SUSPEND,
  type ToolNamespaces,
  type WorkerPool,
} from "../../../sandbox/index.ts";
import { originsOf } from "../../code/compile.ts";
import type { JournalEventBody, ToolFailure } from "../../journal.ts";
import type { Log } from "../../log.ts";
import type { Builtins } from "../../tools/builtin.ts";
import type { Catalog } from "../../tools/catalog.ts";
import type { Bridge } from "../../tools/gate/bridge.ts";
import type { GateCall, HumanDecision } from "../../tools/gate/gate-call.ts";
import type { Policy, PolicyLayer } from "../../tools/policy-layer.ts";
import { remarksOn } from "../hints/remarks.ts";
import type { CompiledText } from "../program/compile-for-run.ts";
import { toHistory } from "../record/history.ts";
import { parseCallId, toCallId } from "../record/ids.ts";
import { deriveReport } from "../record/report.ts";
import type { PendingCall, Report, ReportHead } from "../record/report-shape.ts";
import type { ProgramSpec } from "../record/run-spec.ts";
import { toRunUsage } from "../record/usage.ts";
import type { Decidable } from "./approvals.ts";
import { endAtRest, lineOfUndecided, toRunError, toRunWarning } from "./endings.ts";
import { createLease, type GateRest, type Lease } from "./lease.ts";
import type { Journal } from "./live-journal.ts";
import type { OwnedRun } from "./owned-runs.ts";
import { createTurnstile } from "./turnstile.ts";

export interface ProgramDeps {
  readonly pool: Pick<WorkerPool, "run" | "engine">;
  readonly bridge: Bridge;
  readonly log: Log;
  /** What the gateway answers to the programs of this principal. */
  readonly builtins: (principal: string) => Builtins;
  /** The tools as they are now; with a principal, as its calls have taught what they give. */
  readonly catalog: (principal?: string) => Catalog;
  /** What configuration and key allow now. */
  readonly presentLayers: (keyName: string | null) => readonly PolicyLayer[];
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
}

export interface ProgramIdentity {
  readonly head: ReportHead;
  readonly principal: string;
  readonly keyName: string | null;
  readonly programHash: string;
  readonly catalogVersion: string;
  readonly policy: Policy;
  readonly program: ProgramSpec;
  /** The names that the program finds. */
  readonly namespaces: ToolNamespaces;
}

export interface ProgramRunOptions {
  readonly identity: ProgramIdentity;
  /** Makes the journal at its first use: a run that finds no place leaves no record. */
  readonly journal: () => Journal;
  /** The snapshot the program was compiled against; absent when it was compiled in an earlier process. */
  readonly catalog?: Catalog;
  /** Asks somebody who is there; resolves when the answer, if there is one, has been recorded. Must not reject. */
  readonly onPending?: (pending: PendingCall) => Promise<void>;
  /** A result of the run that this one repairs. */
  readonly reuse?: GateCall["reuse"];
}

export class ProgramRun implements OwnedRun, Decidable {
  readonly id: string;
  readonly principal: string;
  readonly decidable: Decidable = this;
  readonly #options: ProgramRunOptions;
  readonly #deps: ProgramDeps;
  readonly #builtins: Builtins;
  #abort = new AbortController();
  #lease: Lease | undefined;
  #leased: Promise<void> | undefined;
  /** Of the requests that made it go on. */
  #layers: readonly PolicyLayer[] | undefined;
  /** The policy with these layers on top, made once. */
  #asked: { readonly layers: readonly PolicyLayer[] | undefined; readonly policy: Policy } | undefined;
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
    this.#builtins = deps.builtins(this.principal);
  }

  get journal(): Journal {
    return this.#options.journal();
  }

  report(): Report {
    return deriveReport(this.#options.identity.head, this.journal.state);
  }

  /** The first lease. Throws `PoolRefusal` at once when there is no place; then nothing has happened. */
  start(): void {
    this.#take(undefined, () => this.#recordOpened());
  }

  /** The compiler refused it: it never runs. `denied` are calls in its text that its policy would have refused. */
  refuse(end: JournalEventBody, denied: CompiledText["denied"]): void {
    this.#recordOpened();
    for (const [index, { tool, message }] of denied.entries()) this.#recordDenied(index + 1, tool, message);
    this.journal.append(end);
  }

  takeUp(): void {
    this.resume("restart");
  }

  /** Another lease: the program repeats its journal and goes on. Does nothing while it has one, or has ended. */
  resume(cause: "decision" | "restart"): void {
    if (this.#lease !== undefined || this.#suspended || this.ended) return;
    const { events, state } = this.journal;
    this.#layers = state.layers;
    if (this.#options.identity.program.compiled === null) this.#endNow("cancelled");
    else
      this.#goOn(() => {
        if (events.length === 0) return this.#recordOpened();
        const { engine } = this.#deps.pool;
        const narrowed = this.#layers === undefined ? {} : { layers: this.#layers };
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
      this.#layers = this.journal.state.layers;
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
    const { head, program } = this.#options.identity;
    const { catalog, reuse } = this.#options;
    return {
      ...rest,
      principal: this.principal,
      n: parseCallId(id)?.n ?? 0,
      id,
      tool,
      args,
      spelling: "program",
      catalog: catalog ?? this.#deps.catalog(this.principal),
      policy: this.#policy(),
      consent: program.approval === "deny" ? "deny" : "ask",
      resultBytes: head.limits.toolResultBytes,
      builtins: this.#builtins,
      ...(reuse === undefined ? {} : { reuse }),
    };
  }

  /** Runs what must see the run's calls as they are, one after the other: decisions. */
  exclusively<T>(act: () => Promise<T>): Promise<T> {
    return this.#turnstile(act);
  }

  #policy(): Policy {
    const { policy, keyName } = this.#options.identity;
    const layers = this.#layers;
    // The request has just been asked about what is allowed now; a run that comes from the store was not.
    const isFresh = this.#options.catalog !== undefined;
    if (isFresh && layers === undefined) return policy;
    if (this.#asked?.layers !== layers || this.#asked === undefined) {
      const present = isFresh ? [] : this.#deps.presentLayers(keyName);
      const all = { layers: [...policy.layers, ...present, ...(layers ?? [])] };
      this.#asked = { layers, policy: all };
    }
    return this.#asked.policy;
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

  #recordOpened(): number {
    const { programHash, catalogVersion } = this.#options.identity;
    const { engine } = this.#deps.pool;
    return this.journal.append({ type: "opened", programHash, catalogVersion, engine }).at;
  }

  /** For the audit: a program that was refused for a tool has tried to call it. */
  #recordDenied(n: number, tool: string, message: string): void {
    const call = toCallId(this.id, n);
    const failure: ToolFailure = { kind: "denied", message };
    this.journal.append({ type: "requested", n, call, tool, args: "", argsBytes: 0, inText: true });
    const outcome = { ok: false, failure } as const;
    this.journal.append({ type: "settled", n, call, outcome, resultBytes: 0, reused: false });
  }

  #endNow(code: "cancelled" | "approval_expired"): void {
    this.#stranded?.lease.close();
    if (this.#lease !== undefined) {
      this.#abort.abort();
      return;
    }
    if (this.ended) return;
    const journal = this.journal;
    if (journal.events.length === 0) this.#recordOpened();
    const { state } = journal;
    const end = endAtRest(state, code);
    const { sites = [] } = this.#options.identity.program;
    const place = lineOfUndecided(state, sites);
    const error = end.error && code === "approval_expired" ? { ...end.error, ...place } : end.error;
    for (const { level, text } of state.lastLogs) journal.append({ type: "log", level, text });
    journal.append({ ...end, error });
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
    const journal = this.journal;
    if (journal.events.length === 0) this.#recordOpened();
    const usage = toRunUsage({ compileMs: this.#options.identity.program.compileMs, ...outcome.usage });
    const warnings = outcome.warnings.map((each) => toRunWarning(each, compiled));
    switch (outcome.type) {
      case "parked": {
        const { lastLogs } = outcome;
        journal.append({ type: "waiting", usage, ...(lastLogs.length === 0 ? {} : { lastLogs }) });
        if (this.#hasDecided()) this.resume("decision");
        return;
      }
      case "completed": {
        const { result } = outcome;
        const all = [...warnings, ...remarksOn(result, journal.state)];
        journal.append({ type: "ended", status: "completed", result, error: null, usage, warnings: all });
        return;
      }
      case "failed": {
        const status = outcome.failure.code === "cancelled" ? "cancelled" : "failed";
        const { program, namespaces } = this.#options.identity;
        const ran = { code: program.code, compiled, namespaces, run: journal.state };
        const error = toRunError(outcome.failure, ran, this.#deps.pool.engine);
        journal.append({ type: "ended", status, result: null, error, usage, warnings });
      }
    }
  }

  /** A decision that came while the lease was ending has not been taken up by it. */
  #hasDecided(): boolean {
    return this.journal.state.unfinished.some(({ open }) => open?.step === "decided");
  }
}
