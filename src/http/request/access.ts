/**
 * Access over HTTP. One hook runs before every route and before any body is read: Host → Origin → content type → key →
 * rate. This file reads credentials and filters from requests; `src/access` decides.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access } from "../../access/access.ts";
import { type Caller, userNamed, viewerOf } from "../../access/caller.ts";
import { requestPolicy } from "../../access/request-policy.ts";
import type { Config } from "../../config/config.ts";
import type { Viewer } from "../../runs/live/deciders.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { type AddressFilters, isFilter } from "../../tools/request-filters.ts";
import {
  allowListedOrigin,
  answerPreflight,
  checkContentType,
  checkHost,
  checkOrigin,
  isPreflight,
} from "./browsers.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Null until the access hook has run, and on routes that need no key. Read it with `callerOf`. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Served without a key: health and the page's static files. */
    keyless?: boolean;
    /** Served under any Host: health only. */
    anyHost?: boolean;
    /** Served while the gateway shuts down: liveness only. */
    whileClosing?: boolean;
    /** Its answer depends on the tools, so after a start its requests wait until the servers have connected. */
    needsTools?: boolean;
  }
}

/** Puts the access hook before every route of the app, unknown addresses included. */
export function guardAccess(app: FastifyInstance, { server }: Pick<Config, "server">, access: Access): void {
  app.decorateRequest("caller", null);

  app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
    const { keyless = false, anyHost = false } = request.routeOptions.config;
    reply.header("x-content-type-options", "nosniff");
    if (!anyHost) checkHost(request, server);
    checkOrigin(request, server);
    allowListedOrigin(request, reply, server);
    if (isPreflight(request)) return answerPreflight(request, reply, server);
    checkContentType(request);
    if (keyless) return;
    request.caller = await access.admit({ token: presentedKey(request) });
  });
}

/** The caller of a request on a route that needs a key. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error("a route without a key asked for its caller");
  return request.caller;
}

/** Which runs and waiting calls the caller of the request sees. */
export function viewerFor(request: FastifyRequest): Viewer {
  return viewerOf(callerOf(request));
}

/** The person for whom a request is made: header `x-toolarium-user`, else the name in the body. */
export function userOf(request: FastifyRequest, inBody?: unknown): string | undefined {
  return userNamed(request.headers["x-toolarium-user"], inBody);
}

/**
 * The tools that this request may use: configuration ∩ key ∩ its headers ∩ its address ∩ the filter of its body.
 *
 * @throws `invalid_request` when a filter does not have its documented shape
 */
export function policyFor(
  request: FastifyRequest,
  toolsFilter?: unknown,
  address: AddressFilters = {},
): Policy {
  const caller = callerOf(request);
  const policy = requestPolicy(caller, { headers: request.headers, toolsFilter, address });
  request.onFilters?.(policy.layers.filter(isFilter), caller.layers);
  return policy;
}

function presentedKey(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  // Azure's clients send `api-key`.
  const apiKey = request.headers["x-api-key"] ?? request.headers["api-key"];
  return bearer ?? (typeof apiKey === "string" && apiKey !== "" ? apiKey : undefined);
}
