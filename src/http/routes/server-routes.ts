/** The current state of the MCP connections: complete for callers who see all tools, in outline for others. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { seesAll } from "../../access/caller.ts";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { ServerState } from "../../mcp/server.ts";
import { mayHoldTools, visible } from "../../tools/policy.ts";
import { callerOf, policyFor } from "../request/access.ts";

/** What a key sees of a server whose tools it may use: neither its address nor its description of itself. */
interface ServerOutline extends Pick<ServerState, "name" | "state"> {
  /** Number of tools that the key may use. */
  readonly tools: number;
}

export function registerServerRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/mcp/servers", async (request) => ({ data: listServers(gateway, request) }));

  app.get<{ Params: { name: string } }>("/v1/mcp/servers/:name", async (request) => {
    const { params } = request;
    const server = listServers(gateway, request).find(({ name }) => name === params.name);
    if (server === undefined)
      throw new ToolariumError("not_found", `No MCP server is configured under the name "${params.name}".`);
    return server;
  });
}

function listServers(gateway: Gateway, request: FastifyRequest): readonly (ServerState | ServerOutline)[] {
  const servers = gateway.hub.servers();
  if (seesAll(callerOf(request))) return servers;
  const policy = policyFor(request);
  const tools = Map.groupBy(visible(gateway.catalog(), policy), ({ server }) => server);
  return servers
    .filter(({ name }) => mayHoldTools(name, policy))
    .map(({ name, state }) => ({ name, state, tools: tools.get(name)?.length ?? 0 }));
}
