/**
 * Memory that others make the process hold: bodies of requests, messages of MCP servers, what runs keep of both. Each is
 * bounded by itself where it is read; here all of them together are, so that many at once are refused, and kill nobody.
 */

export interface MemoryBudget {
  /** Counts so many bytes of memory if there is room for them; they are given back by `release`. */
  take(bytes: number, claim?: Claim): boolean;
  /** Whether `take` would count them. */
  fits(bytes: number, claim?: Claim): boolean;
  /** Counts them whether there is room or not: they are held already. */
  hold(bytes: number): void;
  release(bytes: number): void;
}

/**
 * `new`: a body or a run, of which nothing has happened yet. `call`: a call that a run is about to make; `owed`: what
 * comes of one that was made. The last eighth of the budget is left to the latter, the one before to both: many bodies
 * at once make no call fail, and what was called finds room for its answer.
 */
export type Claim = "new" | "call" | "owed";

/** What is not larger is never refused, so that a full process can still be told and asked. */
export const SMALL_BYTES = 65_536;

/** What a text takes while it is read, its bytes, their string and the value that is made of it, in multiples of its bytes. */
export const WHILE_READ = 5;
/** What it takes once only its value is left. */
export const ONCE_READ = 2;

/** A text that is kept: a character takes a byte or two, here and on its way into the store. */
export const KEPT_PER_CHAR = 2;

const SHARES: { readonly [C in Claim]: number } = { new: 6 / 8, call: 7 / 8, owed: 1 };

/** Of one process. */
export function createMemoryBudget(megabytes: number): MemoryBudget {
  const most = megabytes * 1_048_576;
  let held = 0;
  // What is alone has only its own bound to keep.
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
