/** The names a program has besides the language's own: what the prelude installs, and its tools. */
import { environmentNames } from "../code/environment-names.ts";
import type { Catalog } from "../tools/catalog.ts";

export function programGlobals(catalog: Catalog): readonly string[] {
  const servers = catalog.servers.flatMap(({ global }) => (global === null ? [] : [global]));
  return [...new Set([...servers, ...catalog.tools.map((tool) => tool.global), ...environmentNames])];
}
