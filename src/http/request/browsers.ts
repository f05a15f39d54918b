/**
 * Keeps foreign web pages from using a gateway on loopback. Three checks come before the key: the Host names the
 * gateway (DNS rebinding), the Origin is its own or listed (cross-site requests), and a body is announced as JSON,
 * which a form or a `no-cors` fetch cannot do.
 */
import { MIMEType } from "node:util";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/config.ts";
import { ToolariumError } from "../../errors.ts";

/**
 * Refuses a request whose Host is none of localhost, 127.0.0.1, [::1], `server.host` or `server.allowedHosts`, with
 * any port. An entry of `allowedHosts` that carries a port allows that port only.
 *
 * @throws `host_not_allowed`
 */
export function checkHost(request: FastifyRequest, server: Config["server"]): void {
  const host = request.headers.host?.toLowerCase() ?? "";
  const hostname = host.replace(/:\d*$/, "");
  const ownNames = ["localhost", "127.0.0.1", "[::1]", bracketed(server.host)];
  const allowed = server.allowedHosts.some((entry) => [host, hostname].includes(bracketed(entry)));
  if (ownNames.includes(hostname) || allowed) return;
  throw new ToolariumError(
    "host_not_allowed",
    `This gateway is not served under the Host ${quoted(host)}. Use its own address, or add the name to server.allowedHosts.`,
  );
}

/**
 * Refuses a request whose Origin is present and is neither scheme and Host of the request nor in
 * `server.allowedOrigins`. The origin `null` (sandboxed frames, files) is always refused.
 *
 * @throws `origin_not_allowed`
 */
export function checkOrigin(request: FastifyRequest, server: Config["server"]): void {
  const { origin, host } = request.headers;
  if (origin === undefined || isListedOrigin(origin, server)) return;
  if (origin.toLowerCase() === `${request.protocol}://${host?.toLowerCase()}`) return;
  throw new ToolariumError(
    "origin_not_allowed",
    `Pages of the origin ${quoted(origin)} may not use this gateway. Add the origin to server.allowedOrigins.`,
  );
}

/**
 * Refuses a body that is not announced as `application/json` in UTF-8, for every method and every content.
 *
 * @throws `unsupported_media_type`
 */
export function checkContentType(request: FastifyRequest): void {
  const { headers } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (!hasBody) return;
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity")
    throw new ToolariumError(
      "unsupported_media_type",
      "Send the body as it is: a Content-Encoding is not supported.",
    );
  const contentType = headers["content-type"];
  if (contentType !== undefined && isJson(contentType)) return;
  const came = contentType === undefined ? "without a Content-Type" : `as ${quoted(contentType)}`;
  throw new ToolariumError(
    "unsupported_media_type",
    `Send the body as Content-Type: application/json. It came ${came}.`,
  );
}

/** Tells the pages of listed origins that they may read the answers. Pages of our own origin need no headers. */
export function allowListedOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  server: Config["server"],
): void {
  const { origin } = request.headers;
  if (server.allowedOrigins.length > 0) reply.header("vary", "Origin");
  if (origin === undefined || !isListedOrigin(origin, server)) return;
  reply.header("access-control-allow-origin", origin);
  reply.header(
    "access-control-expose-headers",
    "x-toolarium-run-id, x-toolarium-model, retry-after, etag, mcp-session-id",
  );
}

/** True for the request that a browser sends before a cross-site request. It never has a key. */
export function isPreflight(request: FastifyRequest): boolean {
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
}

/** Answers a preflight. Only listed origins get the headers with which the browser sends the actual request. */
export function answerPreflight(
  request: FastifyRequest,
  reply: FastifyReply,
  server: Config["server"],
): FastifyReply {
  const { origin } = request.headers;
  if (origin !== undefined && isListedOrigin(origin, server)) {
    reply.header("access-control-allow-methods", "GET, POST, PATCH, DELETE");
    const asked = request.headers["access-control-request-headers"];
    if (asked !== undefined) reply.header("access-control-allow-headers", asked);
    reply.header("access-control-max-age", "600");
  }
  return reply.code(204).send();
}

function isListedOrigin(origin: string, server: Config["server"]): boolean {
  const name = origin.toLowerCase();
  return name !== "null" && server.allowedOrigins.some((entry) => entry.toLowerCase() === name);
}

function isJson(contentType: string): boolean {
  try {
    const { essence, params } = new MIMEType(contentType);
    const charset = params.get("charset")?.toLowerCase() ?? "utf-8";
    return essence === "application/json" && (charset === "utf-8" || charset === "utf8");
  } catch {
    return false;
  }
}

/** An IPv6 address in the form of a Host header. */
function bracketed(host: string): string {
  const name = host.toLowerCase();
  return /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/.test(name) ? `[${name}]` : name;
}

/** A header's value for a message: shortened, and only its printable characters. */
function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
