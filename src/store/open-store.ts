/**
 * Opens stores: the settings alone say which implementation keeps the runs. Code that opens one here knows the port
 * (`store.ts`) and no implementation.
 */
import type { Log } from "../log.ts";
import type { StoreSettings } from "./settings.ts";
import { openSqliteStore } from "./sqlite/sqlite.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that the settings name; the caller disposes of it.
 *
 * @param how `readOnly`: reads only, also while a gateway writes to it; every write then rejects. Default false.
 * @throws `config_error` when it cannot be opened: not there, not ours, damaged, or of a newer version
 */
export function openStore(
  settings: StoreSettings,
  { log, readOnly = false }: { readonly log: Log; readonly readOnly?: boolean },
): Promise<Store> {
  const { path, fsync = false, maxBytes, maxBytesPerPrincipal } = settings;
  return openSqliteStore({ path, fsync, maxBytes, maxBytesPerPrincipal, log, readOnly });
}
