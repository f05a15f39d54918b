/**
 * How much the kept runs of each principal take: a row per principal, changed in the transaction that changes its runs.
 * So a start reads a few rows instead of the whole history, and rolled-back writes do not count.
 */

import type { DatabaseSync } from "node:sqlite";
import type { Usage } from "../../quota.ts";

/**
 * Bytes of an event's row besides its text, and of a run's besides its record: hashes, keys, and their places in the
 * indexes.
 */
export const EVENT_ROW_BYTES = 110;
export const RUN_ROW_BYTES = 400;

export interface UsageTable {
  /** Call within the transaction that is counted. Negative for what is removed. */
  count(principal: string, bytes: number): void;
  /** The committed usage of these principals; absent: of all. */
  readUsage(principals?: readonly string[]): Usage;
  /** The principals that were counted since the last call. */
  takeCounted(): readonly string[];
}

export function createUsageTable(db: DatabaseSync): UsageTable {
  const add = db.prepare(
    `insert into usage (principal, bytes) values (?, ?)
     on conflict do update set bytes = bytes + excluded.bytes`,
  );
  const removeEmpty = db.prepare("delete from usage where principal = ? and bytes <= 0");
  const selectOne = db.prepare("select bytes from usage where principal = ?");
  const selectAll = db.prepare("select principal, bytes from usage");
  let counted = new Set<string>();
  return {
    count(principal, bytes) {
      counted.add(principal);
      add.run(principal, bytes);
      if (bytes < 0) removeEmpty.run(principal);
    },
    readUsage(principals) {
      if (principals === undefined)
        return new Map(selectAll.all().map(({ principal, bytes }) => [String(principal), Number(bytes)]));
      return new Map(principals.map((one) => [one, Number(selectOne.get(one)?.["bytes"] ?? 0)]));
    },
    takeCounted() {
      const principals = [...counted];
      // Includes principals of a transaction that was rolled back: their usage is then read as it was.
      counted = new Set();
      return principals;
    },
  };
}
