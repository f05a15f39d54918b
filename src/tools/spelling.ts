/**
 * The name of a tool in a message, in a form that the reader can write: globals for a program, functions for a model.
 */
import type { Catalog, CatalogTool } from "./catalog.ts";
import { writeMember, writeTool } from "./meant-tools.ts";

/** The reader: the author of a program, or a caller of functions by name. */
export type Spelling = "program" | "function";

export function spellTool(tool: CatalogTool, spelling: Spelling): string {
  return spelling === "program" ? writeTool(tool) : tool.functionName;
}

/** The same for a name that no tool has. `asked` is `server/tool`, or the name that was called as a function. */
export function spellUnknown(asked: string, catalog: Catalog, spelling: Spelling): string {
  const at = asked.indexOf("/");
  if (spelling === "function" || at < 0) return quote(asked);
  const server = asked.slice(0, at);
  const global = catalog.servers.find(({ name }) => name === server)?.global;
  return cut(writeMember(global ?? writeMember("tools", server), asked.slice(at + 1)));
}

export function quote(text: string): string {
  return JSON.stringify(cut(text));
}

/** Names come from programs, so echoed ones are bounded. */
function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
