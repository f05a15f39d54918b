/**
 * One run in the gateway's process: its requests, its entries, its progress. A session outlives its worker. Attached to
 * another worker, it starts the program again and delivers the same entries in the same order, while calls in flight
 * continue. A run with a stored history begins the same way. Every message that arrives here may come from a program
 * that broke out of its isolate.
 */
import type { EngineFailure, EngineOutcome, EngineRun, GuestCall, GuestLog, Settlement } from "../engine.ts";
import type { Entry, FromWorker } from "../protocol.ts";
import { type Death, Deaths } from "./deaths.ts";
import { describeFail, PENDING_FOREVER, refuseKept, refuseLarge } from "./failures.ts";
import type { GuestPost } from "./guest-posts.ts";
import { isPlainJson } from "./json-depth.ts";
import { type Link, SUSPEND } from "./link.ts";
import { Meter } from "./meter.ts";
import { createParts, type SessionParts } from "./session-parts.ts";
import { startMessages } from "./start-messages.ts";

export class Session {
  readonly run: EngineRun;
  readonly #outcome = Promise.withResolvers<EngineOutcome>();
  readonly done: Promise<EngineOutcome> = this.#outcome.promise;
  #ended = false;
  #link: Link | undefined;
  /** Milliseconds since the Unix epoch. */
  #clockStart = 0;
  #wallTimer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => undefined;

  readonly #parts: SessionParts;
  readonly #deaths = new Deaths();
  readonly #meter: Meter;

  /** Set while the run is parked: it has no worker, and asks for one when there is an entry to deliver. */
  #wake: (() => void) | undefined;

  /** Of the current lease only. */
  #quietSince = 0;

  constructor(run: EngineRun) {
    this.run = run;
    this.#meter = new Meter(run.history?.used);
    this.#parts = createParts(run, {
      isEnded: () => this.#ended,
      fail: (failure) => this.fail(failure),
      diverge: (difference) => this.#diverge(difference),
      violate: (reason) => this.#violate(reason),
      settle: (call, settlement) => this.#settle(call, settlement),
      fire: (timer) => this.#fire(timer),
      callsChanged: () => {
        this.#wakeUp();
        this.#endIfIdle();
      },
      askWhere: () => this.#askWhere(),
      repeat: (entryMs) => this.#repeat(entryMs),
      clock: () => this.#parts.timeline.clock(this.#clockStart),
    });
    const cancel = (): void => {
      if (run.signal?.reason === SUSPEND) this.#end({ type: "suspended" });
      else this.fail({ code: "cancelled", message: "The run was cancelled." });
    };
    if (run.signal?.aborted) cancel();
    run.signal?.addEventListener("abort", cancel, { once: true });
    this.#stopListening = () => run.signal?.removeEventListener("abort", cancel);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the run needs a worker of its own, because a worker may have died of it. */
  get solo(): boolean {
    return this.#deaths.isSuspect;
  }

  /** True while the worker executes an entry. */
  get executing(): boolean {
    return this.#link !== undefined && this.#parts.timeline.executing;
  }

  /** Milliseconds for which the program has only waited; 0 while it executes. */
  get quietMs(): number {
    return this.#link === undefined || this.executing ? 0 : performance.now() - this.#quietSince;
  }

  /** Starts the program in a worker, or starts it again and replays its history. */
  attach(link: Link): void {
    this.#link = link;
    this.#wake = undefined;
    this.#parts.timeline.restart();
    this.#parts.heard.restart();
    const isNew = !this.#meter.hasStarted && this.run.history === undefined;
    this.#meter.lease(isNew ? -1 : this.#parts.timeline.entries.length);
    if (!this.#meter.hasStarted) this.#begin();
    this.#start(link, this.#parts.timeline.entries);
  }

  #askWhere(): boolean {
    this.#link?.send({ type: "where", lease: this.#link.lease });
    return this.#link !== undefined;
  }

  #repeat(entryMs: number): boolean {
    const entries = this.#parts.timeline.entries.filter(({ k }) => k <= this.#parts.timeline.underWay);
    if (this.#link !== undefined) this.#start(this.#link, entries, { entryMs });
    return this.#link !== undefined;
  }

  #start(link: Link, entries: readonly Entry[], look: { readonly entryMs?: number } = {}): void {
    const start = { lease: link.lease, startedAt: this.#clockStart, entries, look };
    for (const message of startMessages(this.run, start)) link.send(message);
  }

  #begin(): void {
    const { history, host, limits } = this.run;
    this.#meter.start();
    const startedAt = host.started?.() ?? Date.now();
    this.#clockStart = history?.startedAt ?? startedAt;
    const leftMs = Math.max(1, limits.wallMs - (history?.used.wallMs ?? 0));
    this.#wallTimer = setTimeout(() => this.#parts.lastPlace.endLate(this.executing), leftMs);
  }

  /**
   * The worker is gone; `death` is set when this run may be the cause. Returns false when the run has now been in too
   * many dead workers and has ended for that.
   */
  detach(death: Death | undefined): boolean {
    this.#link = undefined;
    this.#parts.lastPlace.giveUp();
    if (this.#ended) return false;
    if (death === undefined) return true;
    const fault = this.#deaths.count(death);
    if (fault === undefined) return true;
    this.fail({ code: "engine_crashed", message: fault });
    return false;
  }

  /** Gives the worker back. Calls and timers continue; the first that settles calls `wake`, once. */
  park(wake: () => void): void {
    this.#link = undefined;
    this.#wake = wake;
  }

  fail(failure: EngineFailure): void {
    this.#end({ type: "failed", failure });
  }

  receive(message: Exclude<FromWorker, { type: "ready" | "stopped" }>): void {
    if (this.#ended || this.#link?.lease !== message.lease) return;
    if (this.#parts.lastPlace.isLookedFor) {
      this.#parts.lastPlace.hear(message);
      return;
    }
    switch (message.type) {
      case "posts":
        this.#violate(this.#parts.heard.take(message.text));
        break;
      case "entered":
        this.#acknowledge(message);
        break;
      case "broken":
        this.#meter.stop(message.cpuMs);
        clearTimeout(this.#wallTimer);
        this.#parts.lastPlace.endBroken(message, performance.now() - this.#quietSince);
        break;
    }
  }

  /** Ends the run when `reason` says how the worker broke the protocol; undefined: it did not. */
  #violate(reason: string | undefined): void {
    if (reason !== undefined) this.#link?.violate(reason);
  }

  #diverge(difference: string): void {
    const message = `The program did not repeat its own history: ${difference}.`;
    this.fail({ code: "diverged", message });
  }

  #settle(call: GuestCall, settlement: Settlement): void {
    const at = this.run.host.deliver?.(call.n, settlement);
    if (settlement.type === "value") this.#enter({ n: call.n, kind: "value", text: settlement.value }, at);
    else this.#enter({ n: call.n, kind: "error", text: JSON.stringify(settlement.error) }, at);
  }

  #fire({ n, delayMs }: { readonly n: number; readonly delayMs: number }): void {
    const at = this.run.host.timer?.({ n, delayMs });
    this.#enter({ n, kind: "timer", text: "" }, at);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #enter(body: Pick<Entry, "n" | "kind" | "text">, at = Date.now()): void {
    const entry = this.#parts.timeline.tell(body, at, this.#clockStart);
    const failure = refuseKept(this.#parts.timeline.chars, this.run.limits);
    if (failure !== undefined) {
      this.fail(failure);
      return;
    }
    if (this.#link !== undefined) this.#link.send({ type: "enter", lease: this.#link.lease, ...entry });
  }

  /** The replay is over: calls and timers that the history left open continue. */
  #goLive(): void {
    if (this.run.history?.only) {
      this.#endIfIdle();
      if (!this.#parts.lastPlace.isLookedFor) this.#end({ type: "suspended" });
      return;
    }
    this.#parts.timers.release();
    this.#parts.calls.advance();
  }

  #acknowledge(message: Extract<FromWorker, { type: "entered" }>): void {
    const repeated = this.#parts.timeline.repeatsHistory;
    const acknowledged = this.#parts.timeline.acknowledge(message.k);
    if (acknowledged === undefined) {
      this.#violate("an entry was acknowledged out of order");
      return;
    }
    // A program that is over cannot receive the next entries of its history.
    const difference =
      this.#parts.heard.last === undefined ? acknowledged.difference : this.#parts.timeline.missingAtEnd();
    const isRepeated = this.#parts.heard.last !== undefined || !this.#parts.timeline.repeatsHistory;
    // An ending before this one, which is not replayed, has already passed on the held output.
    if (this.#parts.heard.last !== undefined || (isRepeated && this.run.history?.only))
      this.#parts.console.close();
    const isOver = this.#parts.heard.last !== undefined || this.run.history?.only === true;
    const unlike = difference ?? (isRepeated ? this.#parts.console.missing(isOver) : null);
    if (unlike !== null) {
      this.#diverge(unlike);
      return;
    }
    this.#quietSince = performance.now();
    this.#meter.acknowledge(message);
    this.#parts.warnings.reject(message.rejection, message.rejectedAt);
    if (this.#parts.heard.last?.type === "done") this.#complete(this.#parts.heard.last);
    else if (this.#parts.heard.last?.type === "fail")
      this.fail(describeFail(this.#parts.heard.last, this.run));
    else {
      if (repeated && !this.#parts.timeline.repeatsHistory) this.#goLive();
      else this.#parts.calls.advance();
      this.#endIfIdle();
    }
  }

  #complete(done: Extract<GuestPost, { type: "done" }>): void {
    const { result } = done;
    const failure = refuseLarge(result, this.run.limits);
    if (failure !== undefined) {
      this.fail(failure);
      return;
    }
    if (!isPlainJson(result)) {
      this.#violate("the result is no JSON, or nested too deep");
      return;
    }
    this.#parts.warnings.complete(done, this.#parts);
    this.#end({ type: "completed", result });
  }

  /** Nothing executes, no call is in flight, no timer is armed: the program waits for a person, or for ever. */
  #endIfIdle(): void {
    if (this.#ended || this.#link === undefined || this.executing) return;
    if (this.#parts.timers.size > 0) return;
    if (this.#parts.calls.onlyHeld) this.#end({ type: "parked", lastLogs: this.#parts.console.rest() });
    else if (this.#parts.calls.size === 0)
      this.#parts.lastPlace.endWaiting({ code: "pending_forever", message: PENDING_FOREVER });
  }

  #end(
    outcome:
      | { type: "completed"; result: string }
      | { type: "failed"; failure: EngineFailure }
      | { type: "parked"; lastLogs: readonly GuestLog[] }
      | { type: "suspended" },
  ): void {
    if (this.#ended) return;
    if (outcome.type === "completed" || outcome.type === "failed") this.#parts.console.close();
    // The usage may differ from that in its history.
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#wallTimer);
    this.#parts.lastPlace.close();
    this.#parts.timers.close();
    this.#parts.calls.close();
    this.#stopListening();
    const usage = {
      ...this.#meter.usage(),
      toolCalls: this.#parts.requests.toolCalls,
      logBytes: this.#parts.console.bytes,
    };
    this.#outcome.resolve({ usage, warnings: this.#parts.warnings.list(), ...outcome });
  }
}
