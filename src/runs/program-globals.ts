/** The names a program has besides the language's own: what the prelude installs, and its tools. */
import type { Catalog } from "../tools/catalog.ts";

const ENVIRONMENT = [
  "tools",
  "input",
  "console",
  "sleep",
  "setTimeout",
  "clearTimeout",
  "crypto",
  "ToolError",
];

export function programGlobals(catalog: Catalog): readonly string[] {
  const servers = catalog.servers.flatMap(({ global }) => (global === null ? [] : [global]));
  return [...new Set([...servers, ...catalog.tools.map((tool) => tool.global), ...ENVIRONMENT])];
}
