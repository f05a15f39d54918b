/**
 * A face at one address, for clients of every revision. Those of 2026-07-28, and any request without a session, are
 * served by a server of their own; the older ones have sessions.
 */
import {
  type AuthInfo,
  createMcpHandler,
  isInitializeRequest,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { createMcpServer } from "../../mcp-server/create-server.ts";
import type { Face } from "../../mcp-server/face.ts";
import type { McpServerDeps, Visit } from "../../mcp-server/visit.ts";
import { createMcpSessions, type McpSession } from "./sessions.ts";

export interface McpDoor extends AsyncDisposable {
  /** `body` is the parsed JSON. `answered`: the response is out, or its client gone. */
  answer(request: Request, body: unknown, visit: Visit, answered: Promise<unknown>): Promise<Response>;
  /** Tells the clients that listen. */
  toolsChanged(): void;
}

const SESSION_HEADER = "mcp-session-id";

export function createMcpDoor(face: Face, deps: McpServerDeps): McpDoor {
  const sessions = createMcpSessions();
  const createServer = () => createMcpServer(face, visitOf, deps);
  const handler = createMcpHandler(createServer, {
    onerror: (error) => deps.log.debug({ err: error }, "an MCP request was refused"),
  });

  const answerIn = (
    session: McpSession,
    request: Request,
    parsedBody: unknown,
    visit: Visit,
    answered: Promise<unknown>,
  ): Promise<Response> => {
    // A stream that only listens may be closed for others who want to do something.
    if (request.method !== "GET") sessions.occupy(session, answered);
    return session.transport.handleRequest(request, { parsedBody, authInfo: toAuthInfo(visit) });
  };

  return {
    async answer(request, body, visit, answered) {
      const id = request.headers.get(SESSION_HEADER);
      if (id !== null) {
        const session = sessions.find(id, visit.caller);
        return session === undefined
          ? unknownSession()
          : await answerIn(session, request, body, visit, answered);
      }
      if (isInitializeRequest(body))
        return await answerIn(
          await sessions.open(visit.caller, createServer()),
          request,
          body,
          visit,
          answered,
        );
      return await handler.fetch(request, {
        authInfo: toAuthInfo(visit),
        ...(body === undefined ? {} : { parsedBody: body }),
      });
    },
    toolsChanged() {
      handler.notify.toolsChanged();
      for (const { server } of sessions.all()) server.sendToolListChanged().catch(() => {});
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([handler.close(), sessions.close()]);
    },
  };
}

/** What the SDK carries from a request to its handler. The key itself stays behind. */
function toAuthInfo(visit: Visit): AuthInfo {
  return { token: "", clientId: visit.caller.principal, scopes: [], extra: { visit } };
}

function visitOf({ http }: ServerContext): Visit {
  const visit = http?.authInfo?.extra?.["visit"];
  if (visit === undefined) throw new Error("an MCP request came without who sent it");
  return visit as Visit;
}

/** By this answer a client knows to begin a new one. */
function unknownSession(): Response {
  const message =
    "There is no such session of yours: it was closed, or the gateway was started anew. Send initialize for a new one.";
  return Response.json({ jsonrpc: "2.0", id: null, error: { code: -32001, message } }, { status: 404 });
}
