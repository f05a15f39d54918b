/** Whether another run may begin: the bounds of the whole store and of each principal. */
import { ToolariumError } from "../errors.ts";

/** How much is kept, where there is a bound for it. Uncounted figures are zero, or of no principal. */
export interface Kept {
  /** Of the whole database, without the free pages that removed runs have left. */
  readonly bytes: number;
  /** Usage of the principals whose runs have changed since the last answer; in the first answer, of all. */
  readonly usage: Usage;
}

export interface Quota {
  note(kept: Kept): void;
  /** `store_full`; undefined while there is room. */
  refusalFor(principal: string): ToolariumError | undefined;
}

export interface QuotaLimits {
  /** Bytes of the database above which no run begins. Default: none. */
  readonly maxBytes?: number | undefined;
  /** Bytes that the kept runs of one principal may take before it begins no more. Default: none. */
  readonly maxBytesPerPrincipal?: number | undefined;
}

export function createQuota({
  maxBytes = Number.POSITIVE_INFINITY,
  maxBytesPerPrincipal = Number.POSITIVE_INFINITY,
}: QuotaLimits): Quota {
  let total = 0;
  const used = new Map<string, number>();
  return {
    note({ bytes, usage }) {
      total = bytes;
      for (const [principal, taken] of usage) {
        if (taken > 0) used.set(principal, taken);
        else used.delete(principal);
      }
    },
    refusalFor(principal) {
      const taken = used.get(principal) ?? 0;
      if (total > maxBytes)
        return full(
          `The store has ${total} bytes; store.maxBytes allows ${maxBytes}. Raise it, or keep runs for fewer days (store.retentionDays).`,
        );
      if (taken > maxBytesPerPrincipal)
        return full(
          `Your kept runs take ${taken} bytes; store.maxBytesPerPrincipal allows ${maxBytesPerPrincipal}. There is room again when old runs are removed (store.retentionDays), or when the operator raises it.`,
        );
      return undefined;
    },
  };
}

const full = (message: string): ToolariumError => new ToolariumError("store_full", message);

/** Bytes by principal. A principal that keeps nothing is absent, or has zero. */
export type Usage = ReadonlyMap<string, number>;
