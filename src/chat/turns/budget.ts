/** The limits of one answer (reply to the user): turns of the model, tool calls and time. */
import type { RunLimits } from "../../../sandbox/index.ts";
import { MAX_TIMER_MS } from "../../timers.ts";

/** Infinity: no limit. */
export interface AnswerLimits {
  readonly maxTurns: number;
  /** Calls by the model itself and by its programs, counted together. */
  readonly maxToolCalls: number;
  /** Milliseconds from the request on. A tool call in flight is waited for. */
  readonly maxWallMs: number;
}

/** Counts the tool calls and the time of one answer. Disposing it stops its timer. */
export class Budget implements Disposable {
  readonly #limits: AnswerLimits;
  readonly #startedAt = performance.now();
  readonly #deadline = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #calls = 0;
  #refused = false;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
    if (limits.maxWallMs <= MAX_TIMER_MS)
      this.#timer = setTimeout(() => this.#deadline.abort(), limits.maxWallMs).unref();
  }

  /** Aborts after `maxWallMs`. */
  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  /** Whether the model must not be asked again: `maxWallMs` has passed, or a call beyond `maxToolCalls` was refused. */
  get isSpent(): boolean {
    return this.#refused || this.#deadline.signal.aborted;
  }

  /** Counts one call by the model itself. False: none is left, and the call must not be made. */
  takeCall(): boolean {
    if (this.#calls >= this.#limits.maxToolCalls) this.#refused = true;
    else this.#calls += 1;
    return !this.#refused;
  }

  /** The limits of a program that starts now: the smaller of its own and what is left. */
  narrow(limits: RunLimits): RunLimits {
    const leftCalls = Math.max(0, this.#limits.maxToolCalls - this.#calls);
    const leftMs = Math.max(1, Math.ceil(this.#limits.maxWallMs - (performance.now() - this.#startedAt)));
    return {
      ...limits,
      toolCalls: Math.min(limits.toolCalls, leftCalls),
      wallMs: Math.min(limits.wallMs, leftMs),
    };
  }

  /** Counts a program's calls. `error`: the code with which it failed, if it did. */
  takeProgram(calls: number, error: string | undefined): void {
    this.#calls += calls;
    if (error === "too_many_calls" && this.#calls >= this.#limits.maxToolCalls) this.#refused = true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Whether calls or time have a limit. */
export function hasBudget({ maxToolCalls, maxWallMs }: AnswerLimits): boolean {
  return Number.isFinite(maxToolCalls) || Number.isFinite(maxWallMs);
}

/** The limits that are set, in words for the client. */
export function describeLimits({ maxToolCalls, maxWallMs }: AnswerLimits): string {
  const calls = Number.isFinite(maxToolCalls) ? [`maxToolCalls is ${maxToolCalls}`] : [];
  const time = Number.isFinite(maxWallMs) ? [`maxWallMs is ${maxWallMs}`] : [];
  return [...calls, ...time].join(", ");
}
