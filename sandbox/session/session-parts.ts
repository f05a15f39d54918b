/** Builds the parts of a session once and wires them to it: each part knows of the session only what it gets here. */
import type { EngineFailure, EngineRun, GuestCall, Settlement } from "../engine.ts";
import { Heard } from "./heard.ts";
import { LastPlace } from "./last-place.ts";
import { OpenCalls } from "./open-calls.ts";
import { Requests } from "./requests.ts";
import { RunWarnings } from "./run-warnings.ts";
import { SessionConsole } from "./session-console.ts";
import { Timeline } from "./timeline.ts";
import { Timers } from "./timers.ts";

/**
 * Back-pressure: with so many entries unacknowledged no new call starts, so that one run cannot starve others on its
 * worker.
 */
const MAX_AHEAD = 32;

export interface SessionHooks {
  readonly isEnded: () => boolean;
  readonly fail: (failure: EngineFailure) => void;
  /** The program did not follow its history. */
  readonly diverge: (difference: string) => void;
  /** The worker broke the protocol on this run's lease. */
  readonly violate: (reason: string) => void;
  readonly settle: (call: GuestCall, settlement: Settlement) => void;
  readonly fire: (timer: { readonly n: number; readonly delayMs: number }) => void;
  /** A call was held, settled or closed. */
  readonly callsChanged: () => void;
  /** Asks the worker where the program is. False when there is no worker. */
  readonly askWhere: () => boolean;
  /**
   * Starts the program again to find the place of an entry that takes longer than `entryMs`. False when there is no
   * worker.
   */
  readonly repeat: (entryMs: number) => boolean;
  /** The program's clock at this point of its history, in milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

export interface SessionParts {
  readonly timeline: Timeline;
  readonly timers: Timers;
  readonly calls: OpenCalls;
  readonly requests: Requests;
  readonly heard: Heard;
  readonly console: SessionConsole;
  readonly warnings: RunWarnings;
  readonly lastPlace: LastPlace;
}

export function createParts(run: EngineRun, hooks: SessionHooks): SessionParts {
  const { isEnded, fail, diverge, violate, clock } = hooks;
  const timeline = new Timeline(run.history);
  const timers = new Timers(run.host, hooks.fire);
  const calls = new OpenCalls({
    host: run.host,
    atOnce: run.limits.toolCallsInFlight,
    mayStart: () => !timeline.repeatsHistory && timeline.ahead < MAX_AHEAD,
    settled: hooks.settle,
    changed: hooks.callsChanged,
  });
  const lastPlace = new LastPlace({ run, end: fail, ask: hooks.askWhere, repeat: hooks.repeat });
  const console = new SessionConsole(run, diverge);
  const warnings = new RunWarnings();
  const requests = new Requests({ run, timeline, timers, calls, clock, fail, diverge, violate });
  const heard = new Heard({ requests, timers, console, warnings, isEnded });
  return { timeline, timers, calls, requests, heard, console, warnings, lastPlace };
}
