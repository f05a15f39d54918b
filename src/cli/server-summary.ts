/** One line about the MCP servers of a started gateway: how many are ready, and why the others are not. */
import type { ServerState } from "../mcp/server.ts";

export interface ServerSummary {
  /** E.g. `6 of 8 servers ready; db: cannot start (its process exited with code 1); feed: still connecting`. */
  readonly line: string;
  readonly isComplete: boolean;
}

/** Disabled servers do not count. Undefined when there are no others. */
export function summarizeServers(servers: readonly ServerState[]): ServerSummary | undefined {
  const wanted = servers.filter(({ state }) => state !== "disabled");
  if (wanted.length === 0) return undefined;
  const missing = wanted.filter(({ state }) => state !== "ready");
  const count = `${wanted.length - missing.length} of ${wanted.length} servers ready`;
  return { line: [count, ...missing.map(describeMissing)].join("; "), isComplete: missing.length === 0 };
}

function describeMissing({ name, state, lastError }: ServerState): string {
  if (state === "connecting") return `${name}: still connecting`;
  return `${name}: cannot start${lastError === null ? "" : ` (${lastError})`}`;
}
