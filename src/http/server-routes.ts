/** The MCP connections as they stand. */
import type { FastifyInstance } from "fastify";
import { ToolariumError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";

export function registerServerRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/mcp/servers", async () => ({ data: gateway.hub.servers() }));

  app.get<{ Params: { name: string } }>("/v1/mcp/servers/:name", async ({ params }) => {
    const server = gateway.hub.servers().find(({ name }) => name === params.name);
    if (server === undefined)
      throw new ToolariumError("not_found", `No MCP server is configured under the name "${params.name}".`);
    return server;
  });
}
