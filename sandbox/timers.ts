/** The timers of one run: armed ones, and those of a history that is still being repeated. */

interface Timer {
  readonly n: number;
  readonly delayMs: number;
}

export class Timers {
  readonly #fire: (timer: Timer) => void;
  readonly #armed = new Map<number, NodeJS.Timeout>();
  readonly #deferred = new Map<number, Timer & { readonly dueAt: number }>();

  constructor(fire: (timer: Timer) => void) {
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
    this.#armed.set(timer.n, setTimeout(fire, leftMs));
  }

  /** Armed by `release`. `dueAt`: milliseconds since the Unix epoch. */
  defer(timer: Timer, dueAt: number): void {
    this.#deferred.set(timer.n, { ...timer, dueAt });
  }

  /** What fell due meanwhile fires at once. */
  release(): void {
    const deferred = [...this.#deferred.values()];
    this.#deferred.clear();
    for (const timer of deferred) this.arm(timer, Math.max(0, timer.dueAt - Date.now()));
  }

  clear(n: number): void {
    clearTimeout(this.#armed.get(n));
    this.#armed.delete(n);
    this.#deferred.delete(n);
  }

  close(): void {
    for (const timer of this.#armed.values()) clearTimeout(timer);
    this.#armed.clear();
    this.#deferred.clear();
  }
}
