/** The clock of pending approvals: who waits longer than a deployment allows, ends. */

/** A timer takes no more; longer times are looked at again. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface Expiry extends Disposable {
  /** `dueAt`: milliseconds since the Unix epoch. Replaces what was known of this run. */
  watch(run: string, dueAt: number): void;
  forget(run: string): void;
  isWatched(run: string): boolean;
}

/** `expire` is called at a run's time, once. Keeps no process alive. */
export function createExpiry(expire: (run: string) => void): Expiry {
  const timers = new Map<string, NodeJS.Timeout>();

  const forget = (run: string): void => {
    clearTimeout(timers.get(run));
    timers.delete(run);
  };
  const watch = (run: string, dueAt: number): void => {
    forget(run);
    const leftMs = Math.max(0, dueAt - Date.now());
    const due = (): void => {
      timers.delete(run);
      if (leftMs > LONGEST_TIMER_MS) watch(run, dueAt);
      else expire(run);
    };
    timers.set(run, setTimeout(due, Math.min(leftMs, LONGEST_TIMER_MS)).unref());
  };
  return {
    watch,
    forget,
    isWatched: (run) => timers.has(run),
    [Symbol.dispose]() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
