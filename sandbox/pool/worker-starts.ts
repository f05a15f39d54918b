/** The starts of a pool's workers: those under way, the delay after one that failed, and the processes still to end. */
import { versions } from "node:process";
import type { ResolvedPoolOptions } from "./pool-options.ts";
import { Seat } from "./seat.ts";
import { startWorkerProcess, type WorkerDeath } from "./worker-process.ts";

const BACKOFF_MS = { first: 200, longest: 10_000 };

export interface StartsHost {
  /** A worker is ready. Not called once the starts are closed. */
  ready(seat: Seat): void;
  /** A worker that was ready is gone. */
  died(seat: Seat, death: WorkerDeath): void;
  /** A start in the background has succeeded. */
  started(): void;
  /** The delay is over: missing workers may be started. */
  retry(): void;
}

export class WorkerStarts {
  readonly #options: ResolvedPoolOptions;
  readonly #host: StartsHost;
  readonly #opening = new AbortController();
  readonly #startups = new Set<Promise<void>>();
  readonly #closing = new Set<Promise<void>>();
  #underWay = 0;
  #failures = 0;
  #failuresInRow = 0;
  #retry: NodeJS.Timeout | undefined;
  #engine = "";

  constructor(options: ResolvedPoolOptions, host: StartsHost) {
    this.#options = options;
    this.#host = host;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Starts that failed, of all. */
  get failures(): number {
    return this.#failures;
  }

  /** The engine of the last worker that started; empty before the first. */
  get engine(): string {
    return this.#engine;
  }

  /** Rejects with the reason when the process does not become a worker. */
  async start(): Promise<void> {
    this.#underWay += 1;
    let seat: Seat | undefined;
    try {
      const { wrapper, memoryMb } = this.#options;
      const process = await startWorkerProcess(
        { wrapper, slotMemoryMb: memoryMb, signal: this.#opening.signal },
        {
          message: (message) => seat?.receive(message),
          died: (death) => seat && this.#host.died(seat, death),
        },
      );
      const closed = process.gone.finally(() => this.#closing.delete(closed));
      this.#closing.add(closed);
      this.#engine = `v8 ${versions.v8}, prelude ${process.preludeVersion}`;
      if (this.closed) process.kill("the pool was disposed");
      else {
        seat = new Seat(process, this.#options.isolation);
        this.#host.ready(seat);
      }
    } catch (error) {
      this.#failures += 1;
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Does nothing during the delay after a failure. */
  startInBackground(): void {
    if (this.#retry !== undefined) return;
    const startup = this.start().then(
      () => this.#host.started(),
      (error: unknown) => {
        if (this.#failuresInRow === 0 && !this.closed)
          this.#options.onStartFailed(error instanceof Error ? error.message : String(error));
        this.backOff();
      },
    );
    this.#startups.add(startup);
    void startup.finally(() => this.#startups.delete(startup));
  }

  /** After a failed start, or a worker that died before it ran anything: delays the next start. */
  backOff(): void {
    if (this.#retry !== undefined || this.closed) return;
    const delayMs = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** this.#failuresInRow);
    this.#failuresInRow += 1;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#host.retry();
    }, delayMs);
  }

  /** A worker has served a run well: the next failure is the first of its row. */
  succeeded(): void {
    this.#failuresInRow = 0;
  }

  get closed(): boolean {
    return this.#opening.signal.aborted;
  }

  /** Gives up the starts under way; what starts all the same is killed. */
  close(): void {
    this.#opening.abort();
    clearTimeout(this.#retry);
  }

  /** Resolves when no start is under way and every process is gone. Only after `close`. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#startups);
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }
}
