/** Toolarium as an MCP server over HTTP: `/mcp` is the code face, `/mcp/tools` the tools themselves. */
import { once } from "node:events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { createCodeFace } from "../../mcp-server/code-face.ts";
import type { Face } from "../../mcp-server/face.ts";
import { tellOfChanges } from "../../mcp-server/tell-of-changes.ts";
import { createToolsFace } from "../../mcp-server/tools-face.ts";
import type { McpServerDeps, Visit } from "../../mcp-server/visit.ts";
import { type AddressFilters, isFilter } from "../../tools/request-filters.ts";
import { createMcpDoor, type McpDoor } from "../mcp/door.ts";
import { sendWebResponse, toWebRequest } from "../mcp/web-messages.ts";
import { callerOf, policyFor, userOf } from "../request/access.ts";

const facesByAddress: { readonly [address: string]: (deps: McpServerDeps) => Face } = {
  "/mcp": createCodeFace,
  "/mcp/tools": createToolsFace,
};

/** `closing` ends the streams that only listen. */
export function registerMcpRoutes(app: FastifyInstance, gateway: Gateway, closing: AbortSignal): void {
  const deps: McpServerDeps = { ...gateway, closing };
  const doors: McpDoor[] = [];
  for (const [url, createFace] of Object.entries(facesByAddress)) {
    const door = createMcpDoor(createFace(deps), deps);
    doors.push(door);
    app.route({
      url,
      method: ["GET", "POST", "DELETE"],
      exposeHeadRoute: false,
      config: { needsTools: true, keylessAddress: true },
      async handler(request, reply) {
        const visit = visitBy(request);
        const answered = once(reply.raw, "close");
        const response = await door.answer(toWebRequest(request, reply), request.body, visit, answered);
        return await sendWebResponse(reply, response, isListening(request) ? closing : undefined);
      },
    });
  }
  const stop = tellOfChanges(gateway, () => doors.map((door) => door.toolsChanged()));
  app.addHook("onClose", async () => {
    stop();
    await Promise.all(doors.map((door) => door[Symbol.asyncDispose]()));
  });
}

function visitBy(request: FastifyRequest): Visit {
  const policy = policyFor(request, undefined, addressFilters(request));
  return {
    caller: callerOf(request),
    user: userOf(request),
    policy,
    filters: policy.layers.filter(isFilter),
    page: `${request.protocol}://${request.headers.host}/`,
  };
}

/** @throws `invalid_request`: a filter that is misspelt would be none */
function addressFilters({ query }: FastifyRequest): AddressFilters {
  const { tools, servers, ...others } = query as { readonly [name: string]: string | readonly string[] };
  const [unknown] = Object.keys(others);
  if (unknown === undefined) return { tools, servers };
  throw new ToolariumError(
    "invalid_request",
    `This address takes the filters tools and servers, not ${JSON.stringify(unknown.slice(0, 80))}.`,
    { param: unknown },
  );
}

/** A stream that no answer ends. */
function isListening({ method, body }: FastifyRequest): boolean {
  if (method === "GET") return true;
  return (body as { readonly method?: unknown } | undefined)?.method === "subscriptions/listen";
}
