/**
 * One run in the gateway's process: what it asked, what it was told, how far it got. A session outlives its worker:
 * attached to another one it starts the program again and delivers the same entries in the same order, while calls in
 * flight go on untouched. A run with a stored history begins the same way. Everything that arrives here was written by
 * somebody who may have broken out of the isolate.
 */

import type {
  EngineFailure,
  EngineOutcome,
  EngineRequest,
  EngineRun,
  EngineWarning,
  GuestCall,
  GuestLog,
  Settlement,
} from "../engine.ts";
import { type Place, parsePlace } from "../origins.ts";
import type { Entry, FromWorker, LeaseId, ToWorker } from "../protocol.ts";
import { describeFail } from "./failures.ts";
import { type GuestPost, parsePosts } from "./guest-posts.ts";
import { isPlainJson } from "./json-depth.ts";
import { LastPlace } from "./last-place.ts";
import { LogCap } from "./log-cap.ts";
import { Meter } from "./meter.ts";
import { OpenCalls } from "./open-calls.ts";
import { cut, Timeline } from "./timeline.ts";
import { Timers } from "./timers.ts";
import { describeUndone, Rejections } from "./undone.ts";

/** The prelude stops at 1,000; one more is somebody else speaking. */
const MAX_ARMED_TIMERS = 1_000;
/** The prelude stops a tenth below; calls and timers together. */
const MAX_REQUESTS = 111_000;
/**
 * How often a run may be found working in a worker that died before it is the cause. No program can send SIGKILL, but
 * the system ends whoever takes its last memory that way: it is a hint, and a weak one.
 */
const MOST_DEATHS = { crash: 2, kill: 5 };
const PENDING_FOREVER =
  "The program waits for a promise that nothing can settle: no tool call is open and no timer is armed.";

/** The prelude makes two. */
const MAX_REMARKS = 5;
/** What a run asks and is told may be so many times its heap in all: it is kept for as long as the run may be repeated. */
const KEPT_FACTOR = 4;
/** No further calls while the worker is so many entries behind: they would stand before its other runs' entries. */
const MAX_AHEAD = 32;

/** Reason of an abort that ends no run: its outcome is `suspended`, and a history of it can go on elsewhere. */
export const SUSPEND: unique symbol = Symbol("suspend");

/** The session's half of a lease. */
export interface Link {
  readonly lease: LeaseId;
  send(message: ToWorker): void;
  /** The worker broke the protocol in this session's name. */
  violate(reason: string): void;
}

export class Session {
  readonly run: EngineRun;
  readonly done: Promise<EngineOutcome>;
  /** Must have a worker of its own: it may be why one died. */
  solo = false;

  #resolve: (outcome: EngineOutcome) => void = () => undefined;
  #ended = false;
  #link: Link | undefined;
  /** Milliseconds since the Unix epoch. */
  #clockStart = 0;
  #wallTimer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => undefined;

  readonly #timeline: Timeline;
  readonly #timers: Timers;
  readonly #calls: OpenCalls;
  #toolCalls = 0;
  readonly #logs: LogCap;
  readonly #deaths = { crash: 0, kill: 0 };
  readonly #meter: Meter;
  /** Of the history's. */
  #logsRepeated = 0;
  /** Each told once: a program that is run again makes them again. */
  readonly #remarks = new Set<string>();
  readonly #rejections = new Rejections();
  #warnings: readonly EngineWarning[] = [];
  readonly #lastPlace: LastPlace;

  /** Set while the run is parked: it has no worker, and wants one when there is something to tell the program. */
  #wake: (() => void) | undefined;

  /** Of the present lease only. */
  #quietSince = 0;
  #logRowsSeen = 0;
  #last: Extract<GuestPost, { type: "done" | "fail" }> | undefined;
  #at: Place | undefined;

  constructor(run: EngineRun) {
    this.run = run;
    this.#timeline = new Timeline(run.history);
    this.#meter = new Meter(run.history?.used);
    this.#timers = new Timers(run.host, (timer) => this.#fire(timer));
    this.#calls = new OpenCalls({
      host: run.host,
      atOnce: run.limits.toolCallsInFlight,
      mayStart: () => !this.#timeline.repeatsHistory && this.#timeline.ahead < MAX_AHEAD,
      settled: (call, settlement) => this.#settle(call, settlement),
      changed: () => {
        this.#wakeUp();
        this.#endIfIdle();
      },
    });
    this.#lastPlace = new LastPlace({
      run,
      end: (failure) => this.fail(failure),
      ask: () => this.#tell((lease) => ({ type: "where", lease })),
      repeat: (entryMs) => this.#repeat(entryMs),
    });
    this.#logs = new LogCap(run.limits, (entry) => this.#log(entry));
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
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

  /** True while the worker works on an entry it has not finished. */
  get executing(): boolean {
    return this.#link !== undefined && this.#timeline.executing;
  }

  /** Milliseconds for which the program has done nothing but wait; 0 while it executes. */
  get quietMs(): number {
    return this.#link === undefined || this.executing ? 0 : performance.now() - this.#quietSince;
  }

  /** Starts the program in a worker, or starts it again and repeats its past. */
  attach(link: Link): void {
    this.#link = link;
    this.#wake = undefined;
    this.#timeline.restart();
    this.#logRowsSeen = 0;
    this.#last = undefined;
    this.#rejections.restart();
    const isNew = !this.#meter.hasStarted && this.run.history === undefined;
    this.#meter.lease(isNew ? -1 : this.#timeline.entries.length);
    if (!this.#meter.hasStarted) this.#begin();
    this.#execute(link, this.#timeline.entries);
  }

  /** False when there is no worker to tell. */
  #tell(message: (lease: LeaseId) => ToWorker): boolean {
    this.#link?.send(message(this.#link.lease));
    return this.#link !== undefined;
  }

  #repeat(entryMs: number): boolean {
    const entries = this.#timeline.entries.filter(({ k }) => k <= this.#timeline.underWay);
    if (this.#link !== undefined) this.#execute(this.#link, entries, { entryMs });
    return this.#link !== undefined;
  }

  #execute(link: Link, entries: readonly Entry[], look: { readonly entryMs?: number } = {}): void {
    const { js, ...program } = this.run.program;
    const { limits } = this.run;
    const { lease } = link;
    const config = JSON.stringify({ ...program, limits });
    const text = config + js;
    const startedAt = this.#clockStart;
    link.send({ type: "start", lease, startedAt, limits, configChars: config.length, text, ...look });
    for (const entry of entries) link.send({ type: "enter", lease, ...entry });
  }

  #begin(): void {
    const { history, host, limits } = this.run;
    this.#meter.start();
    const startedAt = host.started?.() ?? Date.now();
    this.#clockStart = history?.startedAt ?? startedAt;
    const leftMs = Math.max(1, limits.wallMs - (history?.used.wallMs ?? 0));
    this.#wallTimer = setTimeout(() => this.#lastPlace.endLate(this.executing), leftMs);
  }

  /**
   * The worker is gone; `death` when this run may be why. False when it has now been in too many dead workers, and has
   * ended for it.
   */
  detach(death: "crash" | "kill" | undefined): boolean {
    this.#link = undefined;
    this.#lastPlace.giveUp();
    if (this.#ended) return false;
    if (death === undefined) return true;
    this.#deaths[death] += 1;
    const deaths = this.#deaths[death];
    this.solo ||= death === "crash" || deaths > 1;
    if (deaths < MOST_DEATHS[death]) return true;
    const times = death === "crash" ? "died twice" : `was killed ${deaths} times`;
    this.fail({ code: "engine_crashed", message: `The worker process ${times} while it ran this program.` });
    return false;
  }

  /** Gives the worker back. Calls and timers go on; the first that settles calls `wake`, once. */
  park(wake: () => void): void {
    this.#link = undefined;
    this.#wake = wake;
  }

  fail(failure: EngineFailure): void {
    this.#end({ type: "failed", failure });
  }

  receive(message: Exclude<FromWorker, { type: "ready" | "stopped" }>): void {
    if (this.#ended || this.#link?.lease !== message.lease) return;
    if (this.#lastPlace.isLookedFor) {
      this.#lastPlace.hear(message);
      return;
    }
    switch (message.type) {
      case "posts":
        this.#receivePosts(message.text);
        break;
      case "entered":
        this.#acknowledge(message);
        break;
      case "broken":
        this.#meter.stop(message.cpuMs);
        clearTimeout(this.#wallTimer);
        this.#lastPlace.endBroken(message, performance.now() - this.#quietSince);
        break;
    }
  }

  #receivePosts(text: string): void {
    const posts = parsePosts(text);
    if (!posts.ok) {
      this.#link?.violate(posts.reason);
      return;
    }
    for (const post of posts.value) {
      if (this.#ended || this.#last !== undefined) return;
      this.#receivePost(post);
    }
  }

  #receivePost(post: GuestPost): void {
    switch (post.type) {
      case "call":
        this.#takeCall(post);
        break;
      case "timer":
        this.#takeTimer(post);
        break;
      case "clear":
        this.#timers.clear(post.n);
        break;
      case "log":
        if (this.#isNewLogRow()) this.#logs.take(post);
        break;
      case "skip":
        if (this.#isNewLogRow()) this.#logs.skip(post.lines, post.chars);
        break;
      case "remark":
        if (this.#remarks.size < MAX_REMARKS) this.#remarks.add(post.text);
        break;
      case "at":
        this.#at = post.place;
        break;
      case "done":
      case "fail":
        this.#last = post;
        break;
    }
  }

  /** What the host has yet to hear of; undefined when there is nothing to do, or the run is over. */
  #ask(n: number, request: EngineRequest): "new" | "open" | "settled" | undefined {
    const asked = this.#timeline.ask(n, request);
    switch (asked.type) {
      case "repeated":
        return undefined;
      case "diverged":
        this.#diverge(asked.difference);
        return undefined;
      case "out-of-sequence":
        this.#link?.violate("a call is out of sequence");
        return undefined;
      default:
        if (this.#timeline.requests <= MAX_REQUESTS) return asked.type;
        this.#link?.violate("too many calls and timers");
        return undefined;
    }
  }

  #diverge(difference: string): void {
    const message = `The program did not repeat its own history: ${difference}.`;
    this.fail({ code: "diverged", message });
  }

  #takeCall(post: Extract<GuestPost, { type: "call" }>): void {
    const { toolCalls, toolArgsBytes } = this.run.limits;
    const { type: _, ...posted } = post;
    const large = Buffer.byteLength(posted.args) > toolArgsBytes;
    const message = `the arguments are larger than ${toolArgsBytes} bytes`;
    const call: GuestCall = large
      ? { ...posted, args: "null", fault: { kind: "too_large", message } }
      : posted;
    const asked = this.#ask(call.n, { type: "call", server: call.server, tool: call.tool, args: call.args });
    if (asked === undefined) return;
    if (this.#toolCalls >= toolCalls) {
      const words = `The program made more than ${toolCalls} tool calls.`;
      this.fail({ code: "too_many_calls", message: words, ...this.#at });
      return;
    }
    this.#toolCalls += 1;
    if (asked !== "settled") this.#calls.push(call);
  }

  #takeTimer({ n, delayMs }: Extract<GuestPost, { type: "timer" }>): void {
    const asked = this.#ask(n, { type: "timer", delayMs });
    if (asked === undefined || asked === "settled") return;
    if (this.#timers.size >= MAX_ARMED_TIMERS) {
      this.#link?.violate("too many timers are armed");
      return;
    }
    if (!this.#timeline.repeatsHistory) this.#timers.arm({ n, delayMs });
    else this.#timers.defer({ n, delayMs }, this.#timeline.clock(this.#clockStart) + delayMs);
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

  /** A program that is run again in another worker prints again. */
  #isNewLogRow(): boolean {
    this.#logRowsSeen += 1;
    return this.#logRowsSeen > this.#logs.rows;
  }

  /** What the history has of the program's console is not said again, and must be the same. */
  #log(entry: GuestLog): void {
    const known = this.run.history?.logs[this.#logsRepeated];
    if (known === undefined) {
      this.run.host.log(entry);
      return;
    }
    this.#logsRepeated += 1;
    if (known.level === entry.level && known.text === entry.text) return;
    this.#diverge(
      `the program printed ${cut(entry.text)}; its history says that it printed ${cut(known.text)}`,
    );
  }

  #missingLog(): string | null {
    const missing = this.run.history?.logs[this.#logsRepeated];
    // The end of a long output comes when the program is over.
    const isOver = this.#last !== undefined || this.run.history?.only === true;
    if (missing === undefined || (this.#logs.isHolding && !isOver)) return null;
    return `its history says that the program printed ${cut(missing.text)}; this time it did not`;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #enter(body: Pick<Entry, "n" | "kind" | "text">, at = Date.now()): void {
    const entry = this.#timeline.tell(body, at, this.#clockStart);
    const keptMb = this.run.limits.memoryMb * KEPT_FACTOR;
    if (this.#timeline.chars > keptMb * 1_048_576) {
      const message = `The arguments and results of the program's tool calls came to more than ${keptMb} MB in all. Ask the tools for less, or split the work into several runs.`;
      this.fail({ code: "memory_exceeded", message });
      return;
    }
    if (this.#link !== undefined) this.#link.send({ type: "enter", lease: this.#link.lease, ...entry });
  }

  /** The history has been repeated: what it left open goes on. */
  #goLive(): void {
    if (this.run.history?.only) {
      this.#endIfIdle();
      if (!this.#lastPlace.isLookedFor) this.#end({ type: "suspended" });
      return;
    }
    this.#timers.release();
    this.#calls.advance();
  }

  #acknowledge(message: Extract<FromWorker, { type: "entered" }>): void {
    const repeated = this.#timeline.repeatsHistory;
    const acknowledged = this.#timeline.acknowledge(message.k);
    if (acknowledged === undefined) {
      this.#link?.violate("an entry was acknowledged out of order");
      return;
    }
    // A program that is over hears no more of what its history says next.
    const difference = this.#last === undefined ? acknowledged.difference : this.#timeline.missingAtEnd();
    const isRepeated = this.#last !== undefined || !this.#timeline.repeatsHistory;
    // An earlier end, which nothing repeats, has told what was left to say.
    if (this.#last !== undefined || (isRepeated && this.run.history?.only)) this.#logs.close();
    const unlike = difference ?? (isRepeated ? this.#missingLog() : null);
    if (unlike !== null) {
      this.#diverge(unlike);
      return;
    }
    this.#quietSince = performance.now();
    this.#meter.acknowledge(message);
    const { rejection, rejectedAt } = message;
    if (rejection !== "") this.#rejections.add({ message: rejection, place: parsePlace(rejectedAt) });
    if (this.#last?.type === "done") this.#complete(this.#last);
    else if (this.#last?.type === "fail") this.fail(describeFail(this.#last, this.run));
    else {
      if (repeated && !this.#timeline.repeatsHistory) this.#goLive();
      else this.#calls.advance();
      this.#endIfIdle();
    }
  }

  #complete({ result, undone, handledLate }: Extract<GuestPost, { type: "done" }>): void {
    const { resultBytes } = this.run.limits;
    if (Buffer.byteLength(result) > resultBytes) {
      const message = `The returned value is larger than ${resultBytes} bytes.`;
      this.fail({ code: "result_too_large", message });
      return;
    }
    if (!isPlainJson(result)) {
      this.#link?.violate("the result is no JSON, or nested too deep");
      return;
    }
    // A tool may have answered by now, but not in time for the program.
    const missed = undone.flatMap(({ n, kind }) => (kind === "call" ? [n] : []));
    const open = [...new Set([...this.#calls.open, ...missed])].sort((one, other) => one - other);
    const calls = open.map((n) => ({ n, name: this.#timeline.nameOf(n) }));
    this.#warnings = [...this.#rejections.describe(handledLate), ...describeUndone(undone, calls)];
    this.#end({ type: "completed", result });
  }

  /** Nothing runs, nothing is in flight, no timer is armed: the program waits for a person, or for ever. */
  #endIfIdle(): void {
    if (this.#ended || this.#link === undefined || this.executing) return;
    if (this.#timers.size > 0) return;
    if (this.#calls.onlyHeld) this.#end({ type: "parked", lastLogs: this.#logs.rest() });
    else if (this.#calls.size === 0)
      this.#lastPlace.endWaiting({ code: "pending_forever", message: PENDING_FOREVER });
  }

  #end(
    outcome:
      | { type: "completed"; result: string }
      | { type: "failed"; failure: EngineFailure }
      | { type: "parked"; lastLogs: readonly GuestLog[] }
      | { type: "suspended" },
  ): void {
    if (this.#ended) return;
    if (outcome.type === "completed" || outcome.type === "failed") this.#logs.close();
    // They may not be those of its history.
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#wallTimer);
    this.#lastPlace.close();
    this.#timers.close();
    this.#calls.close();
    this.#stopListening();
    const usage = {
      ...this.#meter.usage(),
      toolCalls: this.#toolCalls,
      logBytes: this.#logs.bytes,
    };
    const remarks = [...this.#remarks].map((message) => ({ severity: "warning", message }) as const);
    const warnings = [...remarks, ...this.#warnings];
    this.#resolve({ usage, warnings, ...outcome });
  }
}
