/**
 * Who is asking and what they may do. One hook runs before every route and before any body is read:
 * Host → Origin → content type → key → rate. Routes ask the rest: rights, slots, the policy of the request.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { baseLayers } from "../../access/base-layers.ts";
import type { AgentLimits, Config, KeyConfig, Right } from "../../config/config.ts";
import type { Mode } from "../../config/modes.ts";
import { ToolariumError } from "../../errors.ts";
import { createDecideScope, type DecideScope, type Viewer } from "../../runs/live/deciders.ts";
import { requestLayers } from "../../tools/policy.ts";
import type { Policy, PolicyLayer } from "../../tools/policy-layer.ts";
import {
  allowListedOrigin,
  answerPreflight,
  checkContentType,
  checkHost,
  checkOrigin,
  isPreflight,
} from "./browsers.ts";
import type { Limiter } from "./limiter.ts";

/** Who sent a request. */
export interface Caller {
  readonly principal: string;
  readonly rights: ReadonlySet<Right>;
  /** Null when the gateway has no keys. */
  readonly keyName: string | null;
  /** Whose waiting calls it decides besides its own principal's. */
  readonly decides: DecideScope | undefined;
  /** The key's default chat mode. */
  readonly mode: Mode | undefined;
  /** What the configuration and the key say about tools; requests only add layers. */
  readonly layers: readonly PolicyLayer[];
  /** What one answer to a chat may take at most. */
  readonly agent: AgentLimits;
  readonly maxConcurrent: number | undefined;
  readonly ratePerMinute: number | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null until the access hook has run, and on routes that need no key. Read it with `callerOf`. */
    caller: Caller | null;
  }
  interface FastifyInstance {
    limiter: Limiter;
  }
  interface FastifyContextConfig {
    /** Served without a key: health and the page's static files. */
    keyless?: boolean;
    /** Served under any Host: health only. */
    anyHost?: boolean;
    /** Served while the gateway shuts down: liveness only. */
    whileClosing?: boolean;
    /** Its answer depends on which tools there are: right after a start it waits for servers that are connecting. */
    needsTools?: boolean;
  }
}

/** Puts the access hook before every route of the app, unknown addresses included. */
export function guardAccess(app: FastifyInstance, config: Config, limiter: Limiter): void {
  const findCaller = createCallerLookup(config);
  app.decorateRequest("caller", null);
  app.decorate("limiter", limiter);

  app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
    const { keyless = false, anyHost = false } = request.routeOptions.config;
    reply.header("x-content-type-options", "nosniff");
    if (!anyHost) checkHost(request, config.server);
    checkOrigin(request, config.server);
    allowListedOrigin(request, reply, config.server);
    if (isPreflight(request)) return answerPreflight(request, reply, config.server);
    checkContentType(request);
    if (keyless) return;
    request.caller = findCaller(request);
    await takeRequest(request.caller, limiter);
  });
}

/** The caller of a request on a route that needs a key. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Error("a route without a key asked for its caller");
  return request.caller;
}

export function viewerOf(request: FastifyRequest): Viewer {
  const { principal, rights, decides } = callerOf(request);
  return { principal, admin: rights.has("admin"), ...(decides === undefined ? {} : { decides }) };
}

/** What a name of a person may be long: it is shown to whoever decides. */
const MAX_USER_CHARS = 200;

/**
 * The person for whom a request is made: header `x-toolarium-user`, else what the body says. A name for those who
 * decide and for the audit; it gives no right. Undefined when the request names nobody.
 */
export function userOf(request: FastifyRequest, inBody?: unknown): string | undefined {
  const named = [request.headers["x-toolarium-user"], inBody].find(
    (name) => typeof name === "string" && name.trim() !== "",
  );
  return typeof named === "string" ? named.trim().slice(0, MAX_USER_CHARS) : undefined;
}

/** Whether tools and servers are shown that it may not use: to those who configure the gateway, or alone use it. */
export function seesAll({ keyName, rights }: Caller): boolean {
  return keyName === null || rights.has("admin");
}

/** @throws `forbidden`; `admin_disabled` when there are no keys and `server.admin` is off */
export function requireRight(caller: Caller, right: Right): void {
  if (caller.rights.has(right)) return;
  if (caller.keyName === null) throw new ToolariumError("admin_disabled");
  throw new ToolariumError(
    "forbidden",
    `The key ${JSON.stringify(caller.keyName)} has not the right \`${right}\`. Add it to the key's \`may\`, or use another key.`,
  );
}

/**
 * What this request may use: configuration ∩ key ∩ its headers ∩ the filter of its body.
 *
 * @throws `invalid_request` when a filter is not of its documented shape
 */
export function requestPolicy(request: FastifyRequest, toolsFilter: unknown): Policy {
  const { layers } = callerOf(request);
  const filters = requestLayers(request.headers, toolsFilter);
  request.onFilters?.(filters, layers);
  return { layers: [...layers, ...filters] };
}

/**
 * Takes one of the caller's slots for a program or chat; it is given back on dispose.
 *
 * @throws `rate_limited` when all of the key's slots are taken
 */
export async function takeSlot(request: FastifyRequest): Promise<AsyncDisposable> {
  const { keyName, maxConcurrent } = callerOf(request);
  if (keyName === null || maxConcurrent === undefined) return { async [Symbol.asyncDispose]() {} };
  const slot = await request.server.limiter.takeSlot(keyName, maxConcurrent);
  if (slot !== undefined) return slot;
  throw new ToolariumError(
    "rate_limited",
    `This key runs at most ${maxConcurrent} programs and chats at once. Wait for one to end.`,
    { retryAfterSeconds: 1 },
  );
}

function createCallerLookup(config: Config): (request: FastifyRequest) => Caller {
  if (config.keys.length === 0) {
    const local = localCaller(config);
    return () => local;
  }
  const known = config.keys.map((key) => ({ digest: digestOf(key.key), caller: keyCaller(config, key) }));
  return (request) => {
    const presented = presentedKey(request);
    if (presented === undefined) throw new ToolariumError("unauthorized");
    const digest = digestOf(presented);
    // Every digest is compared, so that the time taken says nothing about which key was nearly right.
    const match = known.filter((entry) => timingSafeEqual(entry.digest, digest)).at(0);
    if (match === undefined) throw new ToolariumError("unauthorized", "This API key is not known here.");
    return match.caller;
  };
}

function localCaller(config: Config): Caller {
  return {
    principal: "local",
    rights: new Set<Right>(config.server.admin ? ["run", "decide", "admin"] : ["run", "decide"]),
    keyName: null,
    decides: undefined,
    mode: undefined,
    layers: baseLayers(config),
    agent: {},
    maxConcurrent: undefined,
    ratePerMinute: undefined,
  };
}

function keyCaller(config: Config, key: KeyConfig): Caller {
  const layers = baseLayers(config, key);
  return {
    principal: key.principal,
    rights: new Set(key.may),
    keyName: key.name,
    decides: key.decides && createDecideScope(key.decides, { layers }),
    mode: key.mode,
    layers,
    agent: key.agent ?? {},
    maxConcurrent: key.maxConcurrent,
    ratePerMinute: key.ratePerMinute,
  };
}

function presentedKey(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  // Azure's clients say `api-key`.
  const apiKey = request.headers["x-api-key"] ?? request.headers["api-key"];
  return bearer ?? (typeof apiKey === "string" && apiKey !== "" ? apiKey : undefined);
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

async function takeRequest({ keyName, ratePerMinute }: Caller, limiter: Limiter): Promise<void> {
  if (keyName === null || ratePerMinute === undefined) return;
  const verdict = await limiter.takeRequest(keyName, ratePerMinute);
  if (verdict.allowed) return;
  throw new ToolariumError("rate_limited", `This key may send ${ratePerMinute} requests a minute.`, {
    retryAfterSeconds: verdict.retryAfterSeconds,
  });
}
