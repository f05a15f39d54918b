import type { ToolListing } from "./tool-list.ts";
import { createPauses } from "./wire/pauses.ts";

/** Lists a server's tools again after a change, for as long as one session lives. */
export interface Relisting {
  /**
   * `announced`: the server reported the change, so even an empty list is believed. Many changes in a row lead to one
   * list.
   */
  soon(change: { readonly announced: boolean }): void;
  stop(): void;
}

export interface RelistingDeps {
  /** Undefined until the first list has arrived. */
  readonly list: () => Promise<ToolListing> | undefined;
  readonly adopt: (listing: ToolListing, options: { readonly mayBeEmpty: boolean }) => void;
  /** A list failed; it will be tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Some servers announce changes without end, a few after each list. They are listed after pauses that double. */
export function createRelisting(deps: RelistingDeps): Relisting {
  const pauses = createPauses(PAUSE_MS);
  const retries = createPauses(RETRY_MS);
  let timer: NodeJS.Timeout | undefined;
  let isAnnounced = false;
  let isListing = false;
  /** A change was announced during the list. */
  let isStale = false;
  let isStopped = false;
  let listedAt = Number.NEGATIVE_INFINITY;
  let pauseMs = 0;

  const schedule = (delayMs: number): void => {
    if (isStopped || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void run();
    }, delayMs).unref();
  };

  const scheduleNext = (): void => {
    if (timer !== undefined) return;
    if (performance.now() - listedAt > Math.max(QUIET_MS, 2 * pauseMs)) pauses.reset();
    pauseMs = pauses.next();
    schedule(pauseMs);
  };

  const run = async (): Promise<void> => {
    const listing = deps.list();
    if (listing === undefined) return schedule(PAUSE_MS.first);
    const mayBeEmpty = isAnnounced;
    isAnnounced = false;
    isStale = false;
    isListing = true;
    let hasFailed = false;
    try {
      const tools = await listing;
      if (!isStopped) deps.adopt(tools, { mayBeEmpty });
      retries.reset();
    } catch (error) {
      if (isStopped) return;
      hasFailed = true;
      deps.onFailure(error);
      isAnnounced ||= mayBeEmpty;
    } finally {
      isListing = false;
      listedAt = performance.now();
    }
    if (hasFailed) schedule(retries.next());
    else if (isStale) scheduleNext();
  };

  return {
    soon: ({ announced }) => {
      isAnnounced ||= announced;
      if (isListing) isStale = true;
      else scheduleNext();
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Milliseconds. The first pause outlasts a burst of notifications, and still shows a change within a second. */
const PAUSE_MS = { first: 50, max: 60_000 };
/** Milliseconds. After this silence, or twice the last pause, the next change is listed at once again. */
const QUIET_MS = 1_000;
const RETRY_MS = { first: 1_000, max: 60_000 };
