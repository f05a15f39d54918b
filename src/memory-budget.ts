/**
 * Bounds the memory that others make the process hold: request bodies, messages of MCP servers, and what runs keep of
 * both. Each has a bound of its own where it is read. This is the bound for all together, so that many at once are
 * refused instead of ending the process.
 */

export interface MemoryBudget {
  /** Takes so many bytes if there is room for them; `release` gives them back. */
  take(bytes: number, claim?: Claim): boolean;
  /** Whether `take` would succeed. */
  fits(bytes: number, claim?: Claim): boolean;
  /** Takes the bytes even without room: they are held already. */
  hold(bytes: number): void;
  release(bytes: number): void;
}

/**
 * `new`: a body or a run that has not begun. `call`: a call that a run is about to make. `owed`: the result of a call
 * that was made. The last eighth of the budget is reserved for `owed`, the eighth before it for `call` and `owed`: many
 * bodies at once make no call fail, and every call that was made finds room for its result.
 */
export type Claim = "new" | "call" | "owed";

/** Smaller amounts are never refused, so that a full process still answers small requests. */
export const SMALL_BYTES = 65_536;

/** Memory of a text while it is read (bytes, string and parsed value), as a multiple of its bytes. */
export const WHILE_READ = 5;
/** Memory of its parsed value alone, as a multiple of its bytes. */
export const ONCE_READ = 2;

/** Bytes per character of a kept text: a byte or two, in memory and on its way into the store. */
export const KEPT_PER_CHAR = 2;

const SHARES: { readonly [C in Claim]: number } = { new: 6 / 8, call: 7 / 8, owed: 1 };

/** The budget of one process. */
export function createMemoryBudget(megabytes: number): MemoryBudget {
  const most = megabytes * 1_048_576;
  let held = 0;
  // With nothing else held, only the claim's own bound applies.
  const fits = (bytes: number, claim: Claim = "new"): boolean =>
    held === 0 || held + bytes <= most * SHARES[claim];
  const hold = (bytes: number): void => {
    held += bytes;
  };
  return {
    fits,
    hold,
    take: (bytes, claim) => {
      const isTaken = fits(bytes, claim);
      if (isTaken) hold(bytes);
      return isTaken;
    },
    release: (bytes) => hold(-bytes),
  };
}
