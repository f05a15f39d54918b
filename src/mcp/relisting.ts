import type { ToolListing } from "./tool-list.ts";

/** Lists a server's tools again when they changed, for as long as one session lives. */
export interface Relisting {
  /** `announced`: the server said so, so that even an empty list is believed. Many in a row make one list. */
  soon(change: { readonly announced: boolean }): void;
  stop(): void;
}

export interface RelistingDeps {
  /** Undefined while the first list is not there yet. */
  readonly list: () => Promise<ToolListing> | undefined;
  readonly adopt: (listing: ToolListing, options: { readonly mayBeEmpty: boolean }) => void;
  /** A list failed; it will be tried again. */
  readonly onFailure: (error: unknown) => void;
}

export function createRelisting(deps: RelistingDeps): Relisting {
  let timer: NodeJS.Timeout | undefined;
  let isAnnounced = false;
  let isListing = false;
  let isStopped = false;

  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(() => void run(delayMs), delayMs).unref();
  };

  const run = async (delayMs: number): Promise<void> => {
    const listing = isListing ? undefined : deps.list();
    if (listing === undefined) return schedule(SOON_MS);
    const mayBeEmpty = isAnnounced;
    isAnnounced = false;
    isListing = true;
    try {
      const tools = await listing;
      if (!isStopped) deps.adopt(tools, { mayBeEmpty });
    } catch (error) {
      if (isStopped) return;
      deps.onFailure(error);
      isAnnounced ||= mayBeEmpty;
      schedule(Math.min(Math.max(2 * delayMs, RETRY_MS.first), RETRY_MS.max));
    } finally {
      isListing = false;
    }
  };

  return {
    soon: ({ announced }) => {
      isAnnounced ||= announced;
      schedule(SOON_MS);
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** Long enough for a burst of notifications, short enough for a change to be seen within a second. */
const SOON_MS = 50;
const RETRY_MS = { first: 1_000, max: 30_000 };
