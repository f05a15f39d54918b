/**
 * Approval timeouts: ends runs that have waited longer than `approvals.expiresMs`. The store knows since when each run
 * waits; here is one timer, for the run that expires first.
 */
import type { Log } from "../../log.ts";
import type { Store, WaitingRun } from "../../store/store.ts";

export interface Expiry extends Disposable {
  /** Notes that a run waits since this time: milliseconds since the Unix epoch. */
  expect(waitsSince: number): void;
  /** Checks now. Never rejects. */
  look(): Promise<void>;
}

export interface ExpiryDeps {
  readonly store: Pick<Store, "listWaiting">;
  readonly log: Log;
  /** Milliseconds for which a run waits. */
  readonly expiresMs: number;
  /** Ends a run that has waited too long, unless a decision has arrived meanwhile. */
  readonly expire: (run: string) => Promise<void>;
}

const AT_ONCE = 50;
/**
 * Milliseconds between checks that nothing else causes. They find runs that another process left waiting, and runs
 * whose expiry failed.
 */
const LOOK_MS = 60_000;

/** Its timer does not keep the process alive. */
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
