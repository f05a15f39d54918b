/**
 * One run in the gateway's process: what it asked, what it was told, how far it got. A session outlives its worker:
 * attached to another one it starts the program again and delivers the same entries in the same order, while calls in
 * flight go on untouched. Everything that arrives here was written by somebody who may have broken out of the isolate.
 */

import { describeBroken, describeFail, hostFault } from "./failures.ts";
import type { EngineFailure, EngineOutcome, EngineRun, GuestCall, Settlement } from "./index.ts";
import { isPlainJson } from "./json-depth.ts";
import { LogCap } from "./log-cap.ts";
import type { Entry, FromWorker, GuestPost, LeaseId, ToWorker } from "./protocol.ts";
import { parsePosts } from "./protocol.ts";

/** The prelude stops at 1,000; one more is somebody else speaking. */
const MAX_ARMED_TIMERS = 1_000;
/** The prelude stops a tenth below; calls and timers together. */
const MAX_REQUESTS = 111_000;
/** How often a run may be found in a worker that died before it is the cause. */
const MAX_CRASHES = 2;
const PENDING_FOREVER =
  "The program waits for a promise that nothing can settle: no tool call is open and no timer is armed.";

const MAX_REJECTIONS_TOLD = 5;

/** The session's half of a lease. */
export interface Link {
  readonly lease: LeaseId;
  send(message: ToWorker): void;
  /** The worker broke the protocol in this session's name. */
  violate(reason: string): void;
}

type Request =
  | { readonly type: "call"; readonly key: string }
  | { readonly type: "timer"; readonly key: string };

export class Session {
  readonly run: EngineRun;
  readonly done: Promise<EngineOutcome>;
  /** Must have a worker of its own: it was in one that died. */
  solo = false;

  #resolve: (outcome: EngineOutcome) => void = () => undefined;
  #ended = false;
  #link: Link | undefined;
  readonly #queuedAt = performance.now();
  #startedAt: number | undefined;
  #wallTimer: NodeJS.Timeout | undefined;
  readonly #abort = new AbortController();
  #stopListening: () => void = () => undefined;

  /** What was asked so far, by n; a replay must ask the same. */
  readonly #requests: Request[] = [];
  readonly #entries: Entry[] = [];
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #waiting: GuestCall[] = [];
  readonly #held = new Set<number>();
  #inFlight = 0;
  #toolCalls = 0;
  readonly #logs: LogCap;
  #crashes = 0;
  #cpuMs = 0;
  #heapBytes = 0;
  readonly #warnings: string[] = [];
  /** Each told once: a replayed entry rejects again. */
  readonly #rejections = new Set<string>();

  /** Set while the run is parked: it has no worker, and wants one when there is something to tell the program. */
  #wake: (() => void) | undefined;

  /** Of the present lease only. */
  #quietSince = 0;
  #acked = -1;
  #asked = 0;
  #logsSeen = 0;
  #cpuBeforeLease = 0;
  #cpuOfReplay = 0;
  #replayed = 0;
  #last: Extract<GuestPost, { type: "done" | "fail" }> | undefined;

  constructor(run: EngineRun) {
    this.run = run;
    this.#logs = new LogCap(run.limits, (entry) => run.host.log(entry));
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const cancel = (): void => this.fail({ code: "cancelled", message: "The run was cancelled." });
    if (run.signal?.aborted) cancel();
    run.signal?.addEventListener("abort", cancel, { once: true });
    this.#stopListening = () => run.signal?.removeEventListener("abort", cancel);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True while the worker works on an entry it has not finished. */
  get executing(): boolean {
    return this.#link !== undefined && this.#acked < this.#entries.length;
  }

  /** Milliseconds for which the program has done nothing but wait; 0 while it executes. */
  get quietMs(): number {
    return this.#link === undefined || this.executing ? 0 : performance.now() - this.#quietSince;
  }

  /** Starts the program in a worker, or starts it again and repeats its past. */
  attach(link: Link): void {
    this.#link = link;
    this.#wake = undefined;
    this.#acked = -1;
    this.#asked = 0;
    this.#logsSeen = 0;
    this.#last = undefined;
    this.#cpuBeforeLease = this.#cpuMs;
    this.#cpuOfReplay = 0;
    this.#replayed = this.#entries.length;
    if (this.#startedAt === undefined) {
      this.#startedAt = performance.now();
      const { wallMs } = this.run.limits;
      const message = `The program took longer than ${wallMs} ms.`;
      this.#wallTimer = setTimeout(() => this.fail({ code: "wall_timeout", message }), wallMs);
      this.run.host.started?.();
    }
    const { js, namespaces, input, seed, startedAt } = this.run.program;
    const { limits } = this.run;
    const { lease } = link;
    const config = JSON.stringify({ namespaces, input, seed, limits });
    link.send({ type: "start", lease, startedAt, limits, configChars: config.length, text: config + js });
    for (const entry of this.#entries) link.send({ type: "enter", lease, ...entry });
  }

  /** The worker is gone. False when this run has now been in too many dead workers, and has ended for it. */
  detach(suspect: boolean): boolean {
    this.#link = undefined;
    if (suspect) {
      this.#crashes += 1;
      this.solo = true;
    }
    if (this.#crashes < MAX_CRASHES) return true;
    this.fail({
      code: "engine_crashed",
      message: "The worker process died twice while it ran this program.",
    });
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
    switch (message.type) {
      case "posts":
        this.#receivePosts(message.text);
        break;
      case "entered":
        this.#acknowledge(message);
        break;
      case "broken":
        this.#cpuMs = Math.max(this.#cpuMs, this.#cpuBeforeLease + message.cpuMs - this.#cpuOfReplay);
        this.fail({ code: message.code, message: describeBroken(message.code, this.run, message.message) });
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
        if (this.#isNew(post.n, { type: "call", key: `${post.server}\n${post.tool}\n${post.args}` }))
          this.#call(post);
        break;
      case "timer":
        if (this.#isNew(post.n, { type: "timer", key: `${post.delayMs}` })) this.#arm(post.n, post.delayMs);
        break;
      case "clear":
        clearTimeout(this.#timers.get(post.n));
        this.#timers.delete(post.n);
        break;
      case "log":
        this.#logsSeen += 1;
        if (this.#logsSeen > this.#logs.seen) this.#logs.take(post.level, post.text);
        break;
      case "done":
      case "fail":
        this.#last = post;
        break;
    }
  }

  /** Calls and timers come numbered without a gap. A known number must ask what it asked before. */
  #isNew(n: number, request: Request): boolean {
    this.#asked += 1;
    if (n !== this.#asked) {
      this.#link?.violate("a call is out of sequence");
      return false;
    }
    const known = this.#requests[n - 1];
    if (known === undefined) {
      if (this.#requests.length >= MAX_REQUESTS) {
        this.#link?.violate("too many calls and timers");
        return false;
      }
      this.#requests.push(request);
      return true;
    }
    if (known.type !== request.type || known.key !== request.key) {
      const message = `The program did not repeat its own history at step ${n}.`;
      this.fail({ code: "diverged", message });
    }
    return false;
  }

  #call(post: Extract<GuestPost, { type: "call" }>): void {
    const { toolCalls, toolCallsInFlight, toolArgsBytes } = this.run.limits;
    this.#toolCalls += 1;
    if (this.#toolCalls > toolCalls) {
      this.#toolCalls = toolCalls;
      const message = `The program made more than ${toolCalls} tool calls.`;
      this.fail({ code: "too_many_calls", message });
      return;
    }
    const { type: _, ...call } = post;
    const large = Buffer.byteLength(call.args) > toolArgsBytes;
    const message = `the arguments are larger than ${toolArgsBytes} bytes`;
    this.#waiting.push(large ? { ...call, args: "null", fault: { kind: "too_large", message } } : call);
    if (this.#inFlight < toolCallsInFlight) this.#callNext();
  }

  #callNext(): void {
    const call = this.#waiting.shift();
    if (call === undefined) return;
    this.#inFlight += 1;
    const answer = this.run.host.call(call, this.#abort.signal).catch(() => hostFault(call));
    void answer.then((settlement) => {
      this.#inFlight -= 1;
      if (this.#ended) return;
      this.#callNext();
      if (settlement.type === "held") this.#held.add(call.n);
      else this.#settle(call, settlement);
      this.#wakeUp();
      this.#endIfIdle();
    });
  }

  #settle(call: GuestCall, settlement: Exclude<Settlement, { type: "held" }>): void {
    this.run.host.deliver?.(call.n, settlement);
    if (settlement.type === "value") this.#enter({ n: call.n, kind: "value", text: settlement.value });
    else this.#enter({ n: call.n, kind: "error", text: JSON.stringify(settlement.error) });
  }

  #arm(n: number, delayMs: number): void {
    if (this.#timers.size >= MAX_ARMED_TIMERS) {
      this.#link?.violate("too many timers are armed");
      return;
    }
    const fire = (): void => {
      this.#timers.delete(n);
      this.run.host.timer?.({ n, delayMs });
      this.#enter({ n, kind: "timer", text: "" });
      this.#wakeUp();
    };
    this.#timers.set(n, setTimeout(fire, delayMs));
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** The order of entries is fixed here, before the worker hears of them. */
  #enter(body: Pick<Entry, "n" | "kind" | "text">): void {
    const before = this.#entries.at(-1)?.at ?? this.run.program.startedAt;
    const entry = { ...body, k: this.#entries.length + 1, at: Math.max(before, Date.now()) };
    this.#entries.push(entry);
    if (this.#link !== undefined) this.#link.send({ type: "enter", lease: this.#link.lease, ...entry });
  }

  #acknowledge(message: Extract<FromWorker, { type: "entered" }>): void {
    if (message.k !== this.#acked + 1 || message.k > this.#entries.length) {
      this.#link?.violate("an entry was acknowledged out of order");
      return;
    }
    this.#acked = message.k;
    this.#quietSince = performance.now();
    if (message.k <= this.#replayed && this.#replayed > 0) this.#cpuOfReplay = message.cpuMs;
    this.#cpuMs = this.#cpuBeforeLease + message.cpuMs - this.#cpuOfReplay;
    this.#heapBytes = Math.max(this.#heapBytes, message.heapBytes);
    if (message.rejection !== "" && this.#rejections.size < MAX_REJECTIONS_TOLD)
      this.#rejections.add(message.rejection);
    if (this.#last?.type === "done") this.#complete(this.#last.result);
    else if (this.#last?.type === "fail") this.fail(describeFail(this.#last, this.run));
    else this.#endIfIdle();
  }

  #complete(result: string): void {
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
    for (const words of this.#rejections)
      this.#warnings.push(
        `Nothing handled an error: ${words.replace(/\.$/, "")}. Await every promise, and catch in callbacks.`,
      );
    const open = this.#inFlight + this.#waiting.length + this.#held.size;
    if (open > 0)
      this.#warnings.push(
        `${open} tool ${open === 1 ? "call was" : "calls were"} still open when the program returned; await every call.`,
      );
    this.#end({ type: "completed", result });
  }

  /** Nothing runs, nothing is in flight, no timer is armed: the program waits for a person, or for ever. */
  #endIfIdle(): void {
    if (this.#ended || this.#link === undefined || this.executing) return;
    if (this.#inFlight > 0 || this.#waiting.length > 0 || this.#timers.size > 0) return;
    if (this.#held.size > 0) this.#end({ type: "parked" });
    else this.fail({ code: "pending_forever", message: PENDING_FOREVER });
  }

  #end(
    outcome:
      | { type: "completed"; result: string }
      | { type: "failed"; failure: EngineFailure }
      | { type: "parked" },
  ): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#wallTimer);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#stopListening();
    // Making the signal's error takes longer than all the rest of an ending.
    if (this.#inFlight > 0) this.#abort.abort();
    const now = performance.now();
    const startedAt = this.#startedAt ?? now;
    const usage = {
      wallMs: now - startedAt,
      cpuMs: this.#cpuMs,
      queueMs: startedAt - this.#queuedAt,
      peakHeapBytes: this.#heapBytes,
      toolCalls: this.#toolCalls,
      logBytes: this.#logs.bytes,
    };
    this.#resolve({ usage, warnings: this.#warnings, ...outcome });
  }
}
