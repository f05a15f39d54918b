/** Gives runs from before the hash chain their chain, and their calls a place in the search index. */
import type { DatabaseSync } from "node:sqlite";
import { chainNext, chainStart } from "../../chain.ts";
import type { RunRecord } from "../../store.ts";
import { callNumberOf, createCallIndex } from "./call-index.ts";

/**
 * Works run by run, so that memory stays small. For these events the chain proves only that they have not changed since
 * now. A damaged event gets its hash like any other; reading it fails as before.
 */
export function fillChainAndIndex(db: DatabaseSync): void {
  const nextRun = db.prepare(
    `select key, id, principal, kind, parent, created_at as createdAt, spec, null as snapshot, null as requestKey
     from runs where key > ? order by key limit 1`,
  );
  const selectEvents = db.prepare("select seq, event from journal where run = ? order by seq");
  const updateEvent = db.prepare("update journal set n = ?, hash = ? where run = ? and seq = ?");
  const updateRun = db.prepare("update runs set head = ? where key = ?");
  const index = createCallIndex(db);
  for (let run = nextRun.get(-1); run; run = nextRun.get(Number(run["key"]))) {
    const key = Number(run["key"]);
    let head = chainStart(run as unknown as RunRecord);
    for (const row of selectEvents.all(key)) {
      const text = String(row["event"]);
      const seq = Number(row["seq"]);
      const event = readFields(text);
      head = chainNext(head, text);
      updateEvent.run(callNumberOf(event), head, key, seq);
      index.add(key, String(run["principal"]), seq, event);
    }
    updateRun.run(head, key);
  }
}

/** The fields of a stored event; none of a damaged one. */
export function readFields(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
