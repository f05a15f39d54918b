/**
 * Bytes of others that the process holds at once: bodies of requests, messages of MCP servers. Each is bounded by itself
 * where it is read; here all of them together are, so that many large ones at once are refused, and kill nobody.
 */

export interface MemoryBudget {
  /** Whether so many bytes more may be held. What was taken is given back by `release`. */
  take(bytes: number): boolean;
  release(bytes: number): void;
}

/** What is not larger is not counted, so that a full process can still be told and asked. */
export const SMALL_BYTES = 65_536;

/** What a text takes, its bytes, their string and the value that is made of it included, in multiples of its bytes. */
const TIMES_ITS_BYTES = 5;

/** Of one process. */
export function createMemoryBudget(megabytes: number): MemoryBudget {
  const most = (megabytes * 1_048_576) / TIMES_ITS_BYTES;
  let held = 0;
  return {
    take: (bytes) => {
      // What is alone has only its own bound to keep.
      if (held > 0 && held + bytes > most) return false;
      held += bytes;
      return true;
    },
    release: (bytes) => {
      held -= bytes;
    },
  };
}
