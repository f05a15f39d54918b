/**
 * The HTTP face. A request passes, in this order: access (Host, Origin, content type, key, rate), the body parser,
 * its route. An answer here is an HTTP response. `problem.ts` writes every refusal; the framework writes none.
 */
import { setTimeout } from "node:timers/promises";
import { type FastifyInstance, fastify } from "fastify";
import { ToolariumError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { guardAccess } from "./request/access.ts";
import { servedAddress } from "./request/addresses.ts";
import {
  collectMethods,
  parseJsonBodies,
  refuseUnknownAddresses,
  refuseUnreadable,
} from "./request/fallbacks.ts";
import { warnAboutFilters } from "./request/filter-warnings.ts";
import { holdBodies } from "./request/hold-bodies.ts";
import { refuseKeysInAddresses } from "./request/keys-in-addresses.ts";
import { refuseRequest, sendError } from "./request/problem.ts";
import { answerRequestIds, requestId } from "./request/request-id.ts";
import { registerApprovalRoutes } from "./routes/approval-routes.ts";
import { registerAuditRoutes } from "./routes/audit-routes.ts";
import { registerChatRoutes } from "./routes/chat-routes.ts";
import { registerDeclarationRoutes } from "./routes/declaration-routes.ts";
import { registerExecuteRoute } from "./routes/execute-route.ts";
import { registerHealthRoutes } from "./routes/health-routes.ts";
import { registerMcpRoutes } from "./routes/mcp-routes.ts";
import { registerModelRoutes } from "./routes/model-routes.ts";
import { readPage, registerPageRoutes } from "./routes/page-routes.ts";
import { registerRunRoutes } from "./routes/run-routes.ts";
import { registerServerRoutes } from "./routes/server-routes.ts";
import { registerToolRoutes } from "./routes/tool-routes.ts";

export interface HttpServer {
  /**
   * Starts accepting on `server.host` and `server.port`.
   *
   * @throws `config_error` when the address is taken, not allowed to this user, or not one of this machine
   */
  listen(): Promise<{ readonly url: string }>;
  /**
   * Stops accepting and refuses requests on open connections, ends event streams, lets other responses finish for
   * up to this many milliseconds and then cuts their connections. Idempotent.
   */
  close(deadlineMs: number): Promise<void>;
}

/** Milliseconds for a whole request to arrive, its body included. A response may take as long as it likes. */
const REQUEST_TIMEOUT_MS = 120_000;
/** Milliseconds after the deadline in which runs that it cancelled can still report what they had done. */
const LAST_ANSWERS_MS = 500;
/** Characters of one part of an address; tool names can be long, and percent escapes triple them. */
const MAX_PARAM_LENGTH = 1_024;

/**
 * Builds the HTTP face of a gateway. It accepts nothing before `listen`, and does not dispose of the gateway. Never
 * rejects, unless the page's files are missing from the package.
 *
 * @example
 * import { configFrom, createGateway } from "toolarium";
 * import { createHttpServer } from "toolarium/http";
 *
 * const { config } = configFrom({ server: { port: 0 }, sandbox: { workers: 1 } });
 * await using gateway = await createGateway({ config });
 * const http = await createHttpServer(gateway);
 * const { url } = await http.listen();
 * const response = await fetch(`${url}/livez`);
 * console.log(response.status, await response.text()); // 200 {"status":"ok"}
 * await http.close(1_000);
 */
export async function createHttpServer(gateway: Gateway): Promise<HttpServer> {
  const { config, log } = gateway;
  const page = await readPage();
  const closing = new AbortController();
  const app = fastify({
    logger: false,
    bodyLimit: config.server.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    // 0: no timeout. On a busy machine the framework's default of 10 s ended a gateway that was still starting.
    pluginTimeout: 0,
    return503OnClosing: false,
    rewriteUrl: ({ url = "/" }) => servedAddress(url),
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply, log),
    clientErrorHandler: refuseUnreadable,
  });

  app.setErrorHandler((error, request, reply) => refuseRequest(error, request, reply, log));
  const answered = trackRequests(app);
  answerRequestIds(app);
  refuseWhenClosing(app, closing.signal);
  refuseKeysInAddresses(app);
  guardAccess(app, config, gateway.access);
  refuseUnknownAddresses(app);
  holdBodies(app, gateway.memory);
  parseJsonBodies(app);
  const refuseOtherMethods = collectMethods(app);
  holdUntilServersSettled(app, gateway, closing.signal);
  warnAboutFilters(app, gateway);

  registerHealthRoutes(app, gateway);
  registerRunRoutes(app, gateway, closing.signal);
  registerApprovalRoutes(app, gateway);
  registerAuditRoutes(app, gateway);
  registerToolRoutes(app, gateway);
  registerExecuteRoute(app, gateway);
  registerDeclarationRoutes(app, gateway);
  registerServerRoutes(app, gateway);
  registerMcpRoutes(app, gateway, closing.signal);
  registerModelRoutes(app, gateway);
  registerChatRoutes(app, gateway);
  registerPageRoutes(app, page);
  refuseOtherMethods();
  await app.ready();

  let closed: Promise<void> | undefined;
  return {
    async listen() {
      const { host, port } = config.server;
      await app.listen({ host, port }).catch((error: unknown) => {
        throw toListenRefusal(error, host, port);
      });
      return { url: `http://${host.includes(":") ? `[${host}]` : host}:${portOf(app)}` };
    },
    close(deadlineMs) {
      closed ??= closeApp(app, closing, answered, deadlineMs);
      return closed;
    },
  };
}

/** Returns a function that waits until every current request has its answer, or has lost its client. */
function trackRequests(app: FastifyInstance): () => Promise<void> {
  const open = new Set<Promise<void>>();
  app.addHook("onRequest", async (_request, reply) => {
    const answer = Promise.withResolvers<void>();
    open.add(answer.promise);
    reply.raw.once("close", () => {
      open.delete(answer.promise);
      answer.resolve();
    });
  });
  return async () => {
    while (open.size > 0) await Promise.allSettled(open);
  };
}

function refuseWhenClosing(app: FastifyInstance, closing: AbortSignal): void {
  app.addHook("onRequest", async ({ routeOptions }) => {
    if (closing.aborted && !routeOptions.config.whileClosing)
      throw new ToolariumError("not_ready", "The gateway is shutting down.");
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing.aborted) reply.header("connection", "close");
  });
}

/** Holds requests that need tools while servers connect after a start, so that the first clients see all tools. */
function holdUntilServersSettled(
  app: FastifyInstance,
  { serversSettled }: Pick<Gateway, "serversSettled">,
  closing: AbortSignal,
): void {
  const closed = Promise.withResolvers<void>();
  closing.addEventListener("abort", () => closed.resolve(), { once: true });
  app.addHook("preHandler", async ({ routeOptions }) => {
    if (!routeOptions.config.needsTools) return;
    await Promise.race([serversSettled, closed.promise]);
    if (closing.aborted) throw new ToolariumError("not_ready", "The gateway is shutting down.");
  });
}

async function closeApp(
  app: FastifyInstance,
  closing: AbortController,
  answered: () => Promise<void>,
  deadlineMs: number,
): Promise<void> {
  closing.abort();
  const deadline = new AbortController();
  await Promise.race([
    answered(),
    setTimeout(deadlineMs + LAST_ANSWERS_MS, undefined, { signal: deadline.signal }),
  ]);
  deadline.abort();
  await app.close();
}

function toListenRefusal(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new ToolariumError(
        "config_error",
        `Port ${port} of ${host} is in use. Choose another with --port.`,
      );
    case "EACCES":
      return new ToolariumError(
        "config_error",
        `Port ${port} may not be used by this user. Choose one above 1023.`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAFNOSUPPORT":
    case "EINVAL":
      return new ToolariumError(
        "config_error",
        `${host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them.`,
      );
    default:
      if (typeof code !== "string") return error;
      return new ToolariumError(
        "config_error",
        `The gateway cannot listen on port ${port} of ${host} (${code}). Choose others with --host and --port.`,
      );
  }
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}
