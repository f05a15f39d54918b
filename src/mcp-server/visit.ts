/**
 * Toolarium as an MCP server: the gateway's tools for any MCP client. (`src/mcp` is the other side: the client that
 * connects the servers.) Nothing here knows a transport: whoever binds it says who asks, and carries the messages.
 */
import type { Access } from "../access/access.ts";
import type { Caller } from "../access/caller.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Viewer } from "../runs/live/deciders.ts";
import type { Runner } from "../runs/runner.ts";
import type { Catalog } from "../tools/catalog.ts";
import type { Policy, PolicyLayer } from "../tools/policy-layer.ts";

/** Who sends one request, and what it may use. It holds for that request only: never for the session it came in. */
export interface Visit {
  readonly caller: Caller;
  /** See `userNamed`. */
  readonly user?: string | undefined;
  readonly policy: Policy;
  /** The layers that the request itself adds: they narrow also the runs that it resumes. */
  readonly filters: readonly PolicyLayer[];
  /** Where a person decides calls that wait: the address of the page. Absent: there is none. */
  readonly page?: string;
}

/** Parts of a gateway. */
export interface McpServerDeps {
  readonly config: Pick<
    Config,
    "agent" | "approvals" | "declarations" | "limits" | "mcp" | "servers" | "tools"
  >;
  readonly access: Pick<Access, "takeSlot">;
  readonly runner: Pick<Runner, "cancel" | "decide" | "openCalls" | "programAtRest" | "reader" | "start">;
  readonly log: Log;
  /** Aborts when the gateway stops. */
  readonly closing?: AbortSignal;
  /** With a principal: as its programs see it, with what its calls have taught. */
  catalog(principal?: string): Catalog;
}

/** The runs of the caller's own principal and no others, whatever else its key may see. */
export function ownRuns({ caller }: Visit): Viewer {
  return { principal: caller.principal, admin: false };
}
