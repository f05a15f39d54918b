/** A program's requests, calls and timers, checked here because the worker is not trusted. */
import type { EngineFailure, EngineRequest, EngineRun, GuestCall } from "../engine.ts";
import { boundArguments } from "../limits.ts";
import type { Place } from "../origins.ts";
import type { GuestPost } from "./guest-posts.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { Timeline } from "./timeline.ts";
import type { Timers } from "./timers.ts";

/** The prelude stops at 1,000; one more cannot come from it. */
const MAX_ARMED_TIMERS = 1_000;
/** Calls and timers together. The prelude stops a tenth below. */
const MAX_REQUESTS = 111_000;

export interface RequestsDeps {
  readonly run: EngineRun;
  readonly timeline: Timeline;
  readonly timers: Timers;
  readonly calls: OpenCalls;
  /** The program's clock at this point of its history, in milliseconds since the Unix epoch. */
  readonly clock: () => number;
  readonly fail: (failure: EngineFailure) => void;
  readonly diverge: (difference: string) => void;
  /** The worker broke the protocol on this run's lease. */
  readonly violate: (reason: string) => void;
}

export class Requests {
  readonly #deps: RequestsDeps;
  /** Calls so far, including those of the history. */
  toolCalls = 0;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  /** `at`: the last place in the program that a post gave. */
  takeCall(post: Extract<GuestPost, { type: "call" }>, at: Place | undefined): void {
    const { run, calls, fail } = this.#deps;
    const { toolCalls } = run.limits;
    const { type: _, ...posted } = post;
    const call: GuestCall = { ...posted, ...boundArguments(posted.args, run.limits) };
    const asked = this.#ask(call.n, { type: "call", server: call.server, tool: call.tool, args: call.args });
    if (asked === undefined) return;
    if (this.toolCalls >= toolCalls) {
      const words = `The program made more than ${toolCalls} tool calls.`;
      fail({ code: "too_many_calls", message: words, ...at });
      return;
    }
    this.toolCalls += 1;
    if (asked !== "settled") calls.push(call);
  }

  takeTimer({ n, delayMs }: Extract<GuestPost, { type: "timer" }>): void {
    const { timeline, timers, clock, violate } = this.#deps;
    const asked = this.#ask(n, { type: "timer", delayMs });
    if (asked === undefined || asked === "settled") return;
    if (timers.size >= MAX_ARMED_TIMERS) {
      violate("too many timers are armed");
      return;
    }
    if (!timeline.repeatsHistory) timers.arm({ n, delayMs });
    else timers.defer({ n, delayMs }, clock() + delayMs);
  }

  /**
   * Sorts a request: new to the host, still open, or settled. Undefined when nothing is left to do, or the run is over.
   */
  #ask(n: number, request: EngineRequest): "new" | "open" | "settled" | undefined {
    const { timeline, diverge, violate } = this.#deps;
    const asked = timeline.ask(n, request);
    switch (asked.type) {
      case "repeated":
        return undefined;
      case "diverged":
        diverge(asked.difference);
        return undefined;
      case "out-of-sequence":
        violate("a call is out of sequence");
        return undefined;
      default:
        if (timeline.requests <= MAX_REQUESTS) return asked.type;
        violate("too many calls and timers");
        return undefined;
    }
  }
}
