/** Runners over the parts of a core and a store of one's own: processes that come and go, without their starting time. */
import type { Core } from "../../src/core.ts";
import { createLog } from "../../src/log.ts";
import { Runner } from "../../src/runs/runner.ts";
import type { Store } from "../../src/store/store.ts";
import { createArgumentChecker } from "../../src/tools/arguments.ts";
import { createBridge } from "../../src/tools/bridge.ts";
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
