/** The other processes that work on the same store, as far as runs deal with them. */
import type { Store } from "../store/store.ts";
import { noSignals, type Signals } from "./live/followers.ts";
import { type Mailbox, noMailbox } from "./live/mailbox.ts";
import { type Ownership, ownEverything } from "./live/ownership.ts";

export interface Peers {
  readonly ownership: Ownership;
  readonly mailbox: Mailbox;
  readonly signals: Signals;
}

/** For a process that has the store to itself. */
export function noPeers(store: Pick<Store, "listRuns">): Peers {
  return { ownership: ownEverything(store), mailbox: noMailbox, signals: noSignals };
}
