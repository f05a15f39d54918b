/** Remembers which snapshots the store has, so that putting the same text for every run costs only a look-up. */

/** Milliseconds for which an unused snapshot stays after it was last put. */
export const SNAPSHOT_GRACE_MS = 86_400_000;
/** Milliseconds after which a text is put again: far below the grace, so that a remembered hash is always good. */
const TRUSTED_MS = 3_600_000;
/** UTF-16 units of all texts that are remembered. */
const REMEMBERED = 16 * 1024 * 1024;

interface Put {
  readonly at: number;
  readonly hash: Promise<string>;
}

/** Wraps `put`, which sends a text to the store and gives its hash. A put that rejects is forgotten. */
export function createSnapshotMemory(
  put: (text: string) => Promise<string>,
): (text: string) => Promise<string> {
  // The texts are the keys: V8 hashes a string once and compares two of equal hash at the speed of memory.
  const puts = new Map<string, Put>();
  let size = 0;

  const forget = (text: string): void => {
    if (puts.delete(text)) size -= text.length;
  };
  const forgetPut = (text: string, hash: Promise<string>): void => {
    if (puts.get(text)?.hash === hash) forget(text);
  };

  return (text) => {
    const known = puts.get(text);
    const now = Date.now();
    if (known && Math.abs(now - known.at) < TRUSTED_MS) return known.hash;
    forget(text);
    const hash = put(text);
    hash.catch(() => forgetPut(text, hash));
    puts.set(text, { at: now, hash });
    size += text.length;
    for (const oldest of puts.keys()) {
      if (size <= REMEMBERED) break;
      forget(oldest);
    }
    return hash;
  };
}
