/** Tells clients when the tools are others than before, once for many servers that connect one after the other. */
import type { Hub } from "../mcp/server.ts";
import type { Catalog } from "../tools/catalog.ts";

export interface ChangingTools {
  readonly hub: Pick<Hub, "onChange">;
  catalog(): Catalog;
}

/** Milliseconds for which changes are gathered. */
const GATHER_MS = 200;

/** Returns what ends it. */
export function tellOfChanges({ hub, catalog }: ChangingTools, tell: () => void): () => void {
  let version: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    const current = catalog().version;
    if (current !== version) tell();
    version = current;
  };
  const forget = hub.onChange(() => {
    timer ??= setTimeout(look, GATHER_MS);
  });
  return () => {
    forget();
    clearTimeout(timer);
  };
}
