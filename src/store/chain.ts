/**
 * The hash chain over a run's journal. Each stored event has a hash over the previous hash and its own stored text; the
 * first one starts from the run's fixed record; the run's row holds the last one, its head. So the chain shows whether,
 * and where, an event was edited, removed, inserted, moved or cut off after it was written. A large text is in its
 * event as a hash, so the chain covers it too.
 *
 * What this does not prove: the chain has no key and is kept in the same file. Whoever can write the file and knows
 * this source can compute all of it anew. They can remove a whole run (retention does nothing else), put it back to an
 * earlier state with an earlier head, or change its status column, which is derived and no part of the chain. It finds
 * accidents and casual edits. Against someone with the rights of the gateway, copy the heads (`runs.head`) to a place
 * that they cannot write, and compare.
 */
import { hash } from "node:crypto";
import type { RunRecord } from "./store.ts";

/** The first value of a run's chain. Lower-case hex, as all hashes here, so that `sha256sum` can follow it. */
export function chainStart(run: RunRecord): string {
  const { id, principal, kind, parent, createdAt, spec, snapshot, requestKey } = run;
  return sha256(JSON.stringify([id, principal, kind, parent, createdAt, spec, snapshot, requestKey]));
}

/** The hash of an event with this stored text. */
export function chainNext(previous: string, text: string): string {
  return sha256(previous + text);
}

export function sha256(text: string): string {
  return hash("sha256", text);
}
