/** The timers of one run: armed ones, and those of a history that is still being replayed. */
import type { RunHost } from "../engine.ts";

interface Timer {
  readonly n: number;
  readonly delayMs: number;
}

export class Timers {
  readonly #host: Pick<RunHost, "arm">;
  readonly #fire: (timer: Timer) => void;
  readonly #armed = new Map<number, () => void>();
  readonly #deferred = new Map<number, Timer & { readonly dueAt: number }>();

  constructor(host: Pick<RunHost, "arm">, fire: (timer: Timer) => void) {
    this.#host = host;
    this.#fire = fire;
  }

  get size(): number {
    return this.#armed.size + this.#deferred.size;
  }

  arm(timer: Timer, leftMs: number = timer.delayMs): void {
    const fire = (): void => {
      this.#armed.delete(timer.n);
      this.#fire(timer);
    };
    this.#armed.set(timer.n, this.#host.arm?.(timer, leftMs, fire) ?? armTimeout(leftMs, fire));
  }

  /** Keeps a timer until `release` arms it. `dueAt`: milliseconds since the Unix epoch. */
  defer(timer: Timer, dueAt: number): void {
    this.#deferred.set(timer.n, { ...timer, dueAt });
  }

  /** Arms the kept timers. Those that fell due meanwhile fire at once, in the order in which they would have. */
  release(): void {
    const deferred = [...this.#deferred.values()].sort((one, other) => one.dueAt - other.dueAt);
    this.#deferred.clear();
    for (const timer of deferred) this.arm(timer, Math.max(0, timer.dueAt - Date.now()));
  }

  clear(n: number): void {
    this.#armed.get(n)?.();
    this.#armed.delete(n);
    this.#deferred.delete(n);
  }

  close(): void {
    for (const disarm of this.#armed.values()) disarm();
    this.#armed.clear();
    this.#deferred.clear();
  }
}

function armTimeout(leftMs: number, fire: () => void): () => void {
  const timeout = setTimeout(fire, leftMs);
  return () => clearTimeout(timeout);
}
