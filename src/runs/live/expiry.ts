/**
 * The clock of pending approvals: who waits longer than a deployment allows, ends. The store knows who waits since when;
 * here is one timer, for the first of them.
 */
import type { Log } from "../../log.ts";
import type { Store, WaitingRun } from "../../store/store.ts";

export interface Expiry extends Disposable {
  /** A run waits since this time: milliseconds since the Unix epoch. */
  expect(waitsSince: number): void;
  /** Looks now. Never rejects. */
  look(): Promise<void>;
}

export interface ExpiryDeps {
  readonly store: Pick<Store, "listWaiting">;
  readonly log: Log;
  /** Milliseconds for which a run waits. */
  readonly expiresMs: number;
  /** Ends a run that has waited too long, unless somebody has decided meanwhile. */
  readonly expire: (run: string) => Promise<void>;
}

const AT_ONCE = 50;
/**
 * Milliseconds after which it looks again without a reason: for runs that another process left waiting, or whose end
 * failed.
 */
const LOOK_MS = 60_000;

/** Keeps no process alive. */
export function createExpiry({ store, log, expiresMs, expire }: ExpiryDeps): Expiry {
  let timer: NodeJS.Timeout | undefined;
  let nextAt = Number.POSITIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let disposed = false;

  function wake(at: number): void {
    if (disposed || at >= nextAt) return;
    clearTimeout(timer);
    nextAt = at;
    timer = setTimeout(() => void look(), Math.min(Math.max(0, at - Date.now()), LOOK_MS)).unref();
  }

  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function lookOnce(): Promise<void> {
    clearTimeout(timer);
    nextAt = Number.POSITIVE_INFINITY;
    try {
      for (let last: WaitingRun | undefined; !disposed; ) {
        const page = await store.listWaiting(AT_ONCE, last);
        const due = page.filter(({ waitsSince }) => waitsSince + expiresMs <= Date.now());
        await Promise.all(due.map(({ id }) => end(id)));
        const first = page[due.length];
        if (first !== undefined) wake(first.waitsSince + expiresMs);
        if (due.length < AT_ONCE) break;
        last = due.at(-1);
      }
    } catch (error) {
      if (!disposed) log.error({ err: error }, "runs that wait for people could not be read");
    }
    wake(Date.now() + LOOK_MS);
  }

  async function end(run: string): Promise<void> {
    if (disposed) return;
    await expire(run).catch((error: unknown) => {
      log.error({ err: error, run }, "a run that waited too long could not be ended");
    });
  }

  return {
    expect: (waitsSince) => wake(waitsSince + expiresMs),
    look,
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
