/**
 * One MCP server over a face, for one connection or one request. The SDK's low-level server: it lists 50 tools ten times
 * faster than the high-level one, and a list is ours to keep.
 */
import { createRequire } from "node:module";
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { nearestNames } from "../tools/nearest.ts";
import { DECLARATIONS_URI } from "./code-face.ts";
import { toExchange } from "./exchange.ts";
import type { Face } from "./face.ts";
import type { McpServerDeps, Visit } from "./visit.ts";

const MAX_NAME_CHARS = 128;

/** `visitOf`: who sends the request of this context. */
export function createMcpServer(
  face: Face,
  visitOf: (context: ServerContext) => Visit,
  { config, closing }: Pick<McpServerDeps, "config" | "closing">,
): Server {
  const { declarations } = face;
  const server = new Server(
    { name: "toolarium", title: "Toolarium", version },
    {
      capabilities: {
        tools: { listChanged: true },
        ...(declarations === undefined ? {} : { resources: {} }),
      },
      instructions: face.instructions,
      // People are asked by ourselves: a client that fails at it is told what waits.
      inputRequired: { legacyShim: false },
    },
  );
  server.setRequestHandler("tools/list", (_request, context) => ({
    tools: [...face.tools(visitOf(context))],
  }));
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const exchange = toExchange(context, {
      visit: visitOf(context),
      capabilities: server.getClientCapabilities(),
      patienceMs: config.approvals.expiresMs,
      closing,
    });
    const answer = face.call(params.name, params.arguments ?? {}, exchange);
    if (answer === undefined) throw unknownTool(params.name, face.tools(exchange.visit));
    return await answer;
  });
  if (declarations !== undefined) serveDeclarations(server, declarations, visitOf);
  return server;
}

function serveDeclarations(
  server: Server,
  declarations: (visit: Visit) => string,
  visitOf: (context: ServerContext) => Visit,
): void {
  const resource = {
    uri: DECLARATIONS_URI,
    name: "declarations",
    title: "Declarations of all tools",
    description: "What programs can call, as TypeScript.",
    mimeType: "text/plain",
  };
  server.setRequestHandler("resources/list", () => ({ resources: [resource] }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [] }));
  server.setRequestHandler("resources/read", ({ params }, context) => {
    if (params.uri !== DECLARATIONS_URI) throw new ResourceNotFoundError(params.uri);
    const { uri, mimeType } = resource;
    return { contents: [{ uri, mimeType, text: declarations(visitOf(context)) }] };
  });
}

function unknownTool(name: string, tools: readonly { readonly name: string }[]): ProtocolError {
  const asked = name.slice(0, MAX_NAME_CHARS);
  const near = nearestNames(
    asked,
    tools.map((tool) => tool.name),
    3,
  );
  const meant = near.length === 0 ? "" : ` Near it: ${near.join(", ")}.`;
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `There is no tool ${JSON.stringify(asked)} here that you may use.${meant}`,
  );
}

const { version } = createRequire(import.meta.url)("toolarium/package.json") as { readonly version: string };
