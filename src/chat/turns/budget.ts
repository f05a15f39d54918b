/** What one answer may take: turns of the model, tool calls and time. */
import type { RunLimits } from "../../../sandbox/index.ts";
import { MAX_TIMER_MS } from "../../timers.ts";

/** Infinity: no limit. */
export interface AnswerLimits {
  readonly maxTurns: number;
  /** Of the model itself and of its programs together. */
  readonly maxToolCalls: number;
  /** Milliseconds from the request on. A tool call in flight is waited for. */
  readonly maxWallMs: number;
}

/** The tool calls and the time of one answer, as they are spent. Disposing it ends its clock. */
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

  /** Aborts when the time is over. */
  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  /** Whether the model is not to be asked again: the time is over, or it wanted more calls than there were. */
  get isSpent(): boolean {
    return this.#refused || this.#deadline.signal.aborted;
  }

  /** Takes one call of the model itself. False: there is none left, and it is not to be made. */
  takeCall(): boolean {
    if (this.#calls >= this.#limits.maxToolCalls) this.#refused = true;
    else this.#calls += 1;
    return !this.#refused;
  }

  /** The limits of a program that starts now: its own, or what is left. */
  narrow(limits: RunLimits): RunLimits {
    const leftCalls = Math.max(0, this.#limits.maxToolCalls - this.#calls);
    const leftMs = Math.max(1, Math.ceil(this.#limits.maxWallMs - (performance.now() - this.#startedAt)));
    return {
      ...limits,
      toolCalls: Math.min(limits.toolCalls, leftCalls),
      wallMs: Math.min(limits.wallMs, leftMs),
    };
  }

  /** What a program took, and the code of its error. */
  takeProgram(calls: number, error: string | undefined): void {
    this.#calls += calls;
    if (error === "too_many_calls" && this.#calls >= this.#limits.maxToolCalls) this.#refused = true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Whether calls or time are limited at all. */
export function hasBudget({ maxToolCalls, maxWallMs }: AnswerLimits): boolean {
  return Number.isFinite(maxToolCalls) || Number.isFinite(maxWallMs);
}

/** The limits that are set, in words for the client. */
export function describeLimits({ maxToolCalls, maxWallMs }: AnswerLimits): string {
  const calls = Number.isFinite(maxToolCalls) ? [`maxToolCalls is ${maxToolCalls}`] : [];
  const time = Number.isFinite(maxWallMs) ? [`maxWallMs is ${maxWallMs}`] : [];
  return [...calls, ...time].join(", ");
}
