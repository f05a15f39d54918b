/**
 * The usage of a run. Each execution counts its CPU time once: a replay was paid for before. The CPU time of a worker
 * that died before it reported is lost.
 */
import type { EngineUsage } from "../engine.ts";

export class Meter {
  readonly #queuedAt = performance.now();
  readonly #before: { readonly wallMs: number; readonly cpuMs: number };
  #startedAt: number | undefined;
  #cpuMs: number;
  #heapBytes = 0;

  /** Within the current lease. */
  #cpuBeforeLease = 0;
  #cpuOfReplay = 0;
  /** The last entry that was executed before; -1 when not even the program's start was. */
  #replayed = -1;

  /** `before`: the usage recorded in the run's history. */
  constructor(before: { readonly wallMs: number; readonly cpuMs: number } = { wallMs: 0, cpuMs: 0 }) {
    this.#before = before;
    this.#cpuMs = before.cpuMs;
  }

  get hasStarted(): boolean {
    return this.#startedAt !== undefined;
  }

  /** The wait for a worker is over: wall time starts here. */
  start(): void {
    this.#startedAt = performance.now();
  }

  /** A worker begins. `replayed`: the last entry that it replays; -1 when there is none. */
  lease(replayed: number): void {
    this.#cpuBeforeLease = this.#cpuMs;
    this.#cpuOfReplay = 0;
    this.#replayed = replayed;
  }

  /** An entry is over. `cpuMs`: CPU time of the lease so far. */
  acknowledge({
    k,
    cpuMs,
    heapBytes,
  }: {
    readonly k: number;
    readonly cpuMs: number;
    readonly heapBytes: number;
  }): void {
    if (k <= this.#replayed) this.#cpuOfReplay = cpuMs;
    this.#cpuMs = this.#cpuAt(cpuMs);
    this.#heapBytes = Math.max(this.#heapBytes, heapBytes);
  }

  /** The isolate was stopped in the middle of an entry. */
  stop(cpuMs: number): void {
    this.#cpuMs = Math.max(this.#cpuMs, this.#cpuAt(cpuMs));
  }

  usage(): Pick<EngineUsage, "wallMs" | "cpuMs" | "queueMs" | "peakHeapBytes"> {
    const now = performance.now();
    const startedAt = this.#startedAt ?? now;
    return {
      wallMs: this.#before.wallMs + now - startedAt,
      cpuMs: this.#cpuMs,
      queueMs: startedAt - this.#queuedAt,
      peakHeapBytes: this.#heapBytes,
    };
  }

  #cpuAt(leaseMs: number): number {
    return Math.max(this.#cpuBeforeLease, this.#cpuOfReplay) + Math.max(0, leaseMs - this.#cpuOfReplay);
  }
}
