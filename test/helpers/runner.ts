/** Runners over the parts of a core and a store of one's own: processes that come and go, without their starting time. */
import type { Core } from "../../src/core.ts";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { statusAfter } from "../../src/runs/record/run-state.ts";
import { Runner } from "../../src/runs/runner.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { createArgumentChecker } from "../../src/tools/checking/arguments.ts";
import { createBridge } from "../../src/tools/gate/bridge.ts";
import { everything } from "./core.ts";

/** Its end is `drain`. */
export function createRunner({ hub, pool, compiler, catalog }: Core, store: Store): Runner {
  const log = createLog("silent");
  return new Runner({
    pool,
    compiler,
    catalog,
    store,
    log,
    bridge: createBridge({ hub, checker: createArgumentChecker(), catalog, log }),
    callTimeoutMs: 5_000,
    approvalExpiresMs: 60_000,
    presentLayers: () => [everything],
  });
}

/** A store in which these runs have come as far as `keep` says, default all the way, as an earlier process left it. */
export async function storeWith(
  core: Core,
  ids: readonly string[],
  keep: (events: readonly JournalEvent[]) => readonly JournalEvent[] = (events) => events,
): Promise<Store & AsyncDisposable> {
  const store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
  for (const id of ids) {
    const stored = await core.store.getRun(id);
    if (stored === undefined) throw new Error("the run is gone");
    const { status: _, ...record } = stored;
    if (record.snapshot !== null)
      await store.putSnapshot((await core.store.getSnapshot(record.snapshot)) ?? "");
    await store.createRun(record);
    const events = keep(await core.store.readJournal(id));
    if (events.length > 0) await store.append(id, 1, events, statusAfter(events.at(-1)));
  }
  return store;
}
