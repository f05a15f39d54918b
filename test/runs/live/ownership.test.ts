/** Whose run it is: of a process alone with its store, and of several on one. */
import { createLog } from "../../../src/log.ts";
import { ownEverything } from "../../../src/runs/live/ownership.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { createCluster } from "../../helpers/cluster.ts";
import { ownershipContract } from "./ownership-contract.ts";

const openStore = (): Promise<Store> =>
  openSqliteStore({ path: ":memory:", fsync: true, log: createLog("silent") });

ownershipContract("a process alone with its store", {
  async alone() {
    const store = await openStore();
    return { store, one: ownEverything(store), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  },
});

ownershipContract("processes on one store in memory", {
  together: async () => {
    const store = await openStore();
    const cluster = createCluster(store);
    const [one, other] = [cluster.join("one"), cluster.join("other")];
    return {
      store: one.store,
      one: one.peers.ownership,
      other: other.peers.ownership,
      end(knows) {
        if (!knows) one.stop();
        one.bury();
      },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  },
});
