import { ToolariumError, toRefusal } from "../../errors.ts";
import type { JournalEventBody } from "../../journal.ts";
import type { Catalog } from "../../tools/catalog.ts";
import type { GateCall, GateOutcome, HumanDecision } from "../../tools/gate/gate-call.ts";
import type { Policy, PolicyLayer } from "../../tools/policy-layer.ts";
import type { Decidable } from "../live/approvals.ts";
import { endAtRest, endCalls, endLeft, refuseLost } from "../live/endings.ts";
import type { GateRest } from "../live/lease.ts";
import { Life } from "../live/life.ts";
import type { Journal } from "../live/live-journal.ts";
import type { OwnedRun } from "../live/owned-runs.ts";
import { createTurnstile } from "../live/turnstile.ts";
import type { CallResult } from "../record/call-result.ts";
import { resultOf, toCallResult } from "../record/call-result.ts";
import { parseCallId, toCallId } from "../record/ids.ts";
import { deriveReport } from "../record/report.ts";
import type { Report } from "../record/report-shape.ts";
import type { RunSpec } from "../record/run-spec.ts";
import { CallGate, type View } from "./call-gate.ts";
import type { CallRunDeps, CallRunOptions, ResumingRequest } from "./call-run-options.ts";

export class CallRun implements OwnedRun, Decidable {
  readonly id: string;
  readonly principal: string;
  readonly spec: RunSpec;
  readonly journal: Journal;
  readonly decidable: Decidable | null;
  readonly #options: CallRunOptions;
  readonly #deps: CallRunDeps;
  readonly #gate: CallGate;
  readonly #flights = new Map<string, Promise<GateOutcome>>();
  readonly #turnstile = createTurnstile();
  #life: Life;
  /** Answers who waits for a call of a run that is stranded. */
  readonly #stranded = Promise.withResolvers<GateOutcome>();
  #quiet: Promise<unknown> = Promise.resolve();
  /** While a request is answered; between requests the rules are those of the moment. */
  #view: View | undefined;
  #answering: PromiseWithResolvers<void> | undefined;
  #number: number;

  constructor(options: CallRunOptions, deps: CallRunDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#gate = new CallGate(options, deps);
    this.id = options.record.id;
    this.principal = options.record.principal;
    this.spec = options.spec;
    this.journal = options.journal;
    this.decidable = options.record.kind === "chat" ? this : null;
    this.#life = new Life(options.journal);
    this.#number = options.journal.state.lastCallNumber;
  }

  /** The first request. Its calls see this catalog. */
  open(catalog: Catalog): void {
    const { version } = catalog;
    this.journal.append({ type: "opened", programHash: null, catalogVersion: version, engine: null });
    this.#answer({ catalog, layers: [] });
  }

  /** Another request of the client goes on with it. Only for a run at rest. */
  resume({ layers, request }: ResumingRequest): void {
    this.journal.append({ type: "resumed", cause: "client", engine: null, layers, request });
    this.#answer(this.#gate.present(layers));
  }

  /** The request whose answer was never complete came again. Only for a run at rest, or one that ended. */
  reopen(layers: readonly PolicyLayer[]): void {
    this.journal.append({ type: "reopened" });
    this.#answer(this.#gate.present(layers));
  }

  /** Milliseconds since the Unix epoch. */
  get createdAt(): number {
    return this.#options.record.createdAt;
  }

  /** What a request with these rules of its own may do if the run goes on with it now. */
  policyWith(layers: readonly PolicyLayer[]): Policy {
    return { layers: [...this.spec.policy.layers, ...this.#gate.present(layers).layers] };
  }

  /** Aborts when the run is cancelled or let go of; the reason is a refusal. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** When it last ended although it now goes on: milliseconds since the Unix epoch. Infinity: never. */
  get brokenOffAt(): number {
    const { lastEndedAt } = this.journal.state;
    return lastEndedAt === undefined || this.ended ? Number.POSITIVE_INFINITY : lastEndedAt;
  }

  get ended(): boolean {
    return this.journal.state.end !== undefined;
  }

  /** Whether a request is being answered. */
  get answering(): boolean {
    return this.#answering !== undefined;
  }

  report(): Report {
    const { createdAt } = this.#options.record;
    const { limits, diagnostics } = this.spec;
    return deriveReport({ id: this.id, createdAt, limits, diagnostics }, this.journal.state);
  }

  /** A new id for a call, in the order in which the model made them. */
  nextCallId(): string {
    this.#number += 1;
    return toCallId(this.id, this.#number);
  }

  /**
   * Brings a call to rest: makes it, goes on with it where its journal stands, or tells what became of it. Rejects only
   * when the record of the run cannot be kept. `tool` is `server/tool`; `args` is JSON text as the model or the person wrote it.
   */
  async call(call: string, tool: string, args: string): Promise<CallResult> {
    const known = this.#flights.has(call) ? undefined : resultOf(this.journal.state, call);
    if (known !== undefined) return known;
    if (!this.answering)
      return { type: "failure", call, failure: { kind: "cancelled", message: "The request has ended." } };
    const { toolCalls } = this.spec.limits;
    if ((parseCallId(call)?.n ?? 0) > toolCalls) {
      const message = `More than ${toolCalls} tool calls in one request.`;
      return { type: "failure", call, failure: { kind: "denied", message } };
    }
    const flight = this.#flights.get(call) ?? this.#send(call, tool, args);
    const outcome = await Promise.race([flight, this.#stranded.promise]);
    const { lost } = this.journal;
    // What came back of it may not be there after a restart, so nobody hears of it.
    if (lost !== undefined || outcome.type === "unkept")
      throw refuseLost(this, lost ?? new ToolariumError("store_unavailable"));
    return toCallResult(call, outcome, this.journal.state);
  }

  /** What happened beside calls: a turn of the model, an answer of a call. */
  note(event: Extract<JournalEventBody, { type: "turn" | "answered" }>): void {
    if (!this.#life.over) this.journal.append(event);
  }

  /** Ends the answer to a request, `waiting` for the next one or with the run itself. Resolves when that is durable; rejects when it cannot be kept. */
  async end(status: "completed" | "failed" | "waiting", message?: string): Promise<void> {
    if (this.#answering !== undefined && !this.#life.over) {
      if (status === "waiting") this.journal.append({ type: "waiting" });
      else {
        this.journal.append(endCalls(this.journal.state, status, message));
        this.#close(new ToolariumError("cancelled"));
      }
      this.#rest();
    }
    await this.journal.flush().catch((error: unknown) => {
      throw refuseLost(this, toRefusal(error));
    });
  }

  cancel(): void {
    this.#endNow("cancelled");
  }

  /** Its client left, and does not come back. */
  abandon(): void {
    this.#endNow("cancelled", endLeft(this.journal.state, "client"));
  }

  /** An answer under way is left unfinished, for the same request to come again. */
  suspend(): void {
    this.#close(new ToolariumError("not_ready", "The gateway is stopping."));
    this.#rest();
  }

  strand(reason: ToolariumError): void {
    this.#quiet = Promise.all(this.#flights.values());
    this.#flights.clear();
    this.#life.strand(reason);
    this.#stranded.resolve({ type: "unkept" });
    this.#rest();
  }

  async quiet(): Promise<void> {
    await this.#quiet;
  }

  /** Nobody decided in time. Only for a run at rest. */
  expire(): void {
    if (!this.answering && this.#flights.size === 0) this.#endNow("approval_expired");
  }

  async rest(): Promise<void> {
    while (this.#answering !== undefined || this.#flights.size > 0)
      await (this.#answering?.promise ?? Promise.race(this.#flights.values()));
  }

  /** Goes on with calls that were decided before an earlier process ended, and have not been made. */
  takeUp(): void {
    for (const { id, requested, decisions } of this.journal.state.unfinished)
      void this.#send(id, requested.tool, requested.args, decisions.at(-1)?.layers);
    this.#waitAgain();
  }

  gate(id: string, tool: string, args: string, rest: GateRest): GateCall {
    return this.#gate.show(id, tool, args, rest, this.#view ?? this.#gate.present([]));
  }

  goOn(call: string, _: HumanDecision, layers: readonly PolicyLayer[]): void {
    void this.#send(call, "", "", layers);
  }

  exclusively<T>(act: () => Promise<T>): Promise<T> {
    return this.#turnstile(act);
  }

  /** Where the journal has the call, it is the journal that says what is called, and how far it has come. */
  #send(call: string, tool: string, args: string, layers: readonly PolicyLayer[] = []): Promise<GateOutcome> {
    const { bridge, callTimeoutMs: timeoutMs } = this.#deps;
    const record = this.journal.state.call(call);
    const asked = record?.requested ?? { tool, args };
    const { journal, callSignal: signal } = this.#life;
    const view = this.#view ?? this.#gate.present([]);
    const gate = this.#gate.show(
      call,
      asked.tool,
      asked.args,
      { journal, timeoutMs, signal },
      { ...view, layers: [...view.layers, ...layers] },
    );
    const open = record?.open;
    const flight = open === undefined ? bridge.call(gate) : bridge.resume(gate, open);
    this.#flights.set(call, flight);
    void flight.then(() => {
      if (this.#flights.get(call) !== flight) return;
      this.#flights.delete(call);
      this.#waitAgain();
    });
    return flight;
  }

  #answer(view: View): void {
    if (this.#life.over) this.#life = new Life(this.journal);
    this.#view = view;
    this.#answering = Promise.withResolvers();
  }

  #endNow(code: "cancelled" | "approval_expired", end = endAtRest(this.journal.state, code)): void {
    if (this.ended || this.#life.over) {
      // Of one that is stranded calls can still be under way.
      this.#life.end(new ToolariumError(code));
      return;
    }
    this.journal.append(end);
    this.#close(new ToolariumError(code));
    this.#rest();
  }

  #close(reason: ToolariumError): void {
    this.#life.end(reason);
    this.#flights.clear();
  }

  #rest(): void {
    this.#view = undefined;
    this.#answering?.resolve();
    this.#answering = undefined;
  }

  /** What was decided between two requests is done; the run waits for its client as before. */
  #waitAgain(): void {
    const isAtRest = ["waiting", "ended"].includes(this.journal.state.last?.type ?? "");
    if (this.answering || this.#life.over || this.#flights.size > 0 || isAtRest) return;
    this.journal.append({ type: "waiting" });
  }
}
