/** The id of a request: the client's own, or a generated one. Every response and the log have it. */
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance } from "fastify";

/** Characters that a log line and a header take without escapes. */
const USABLE = /^[\w.:/+=@-]{1,200}$/;

/** The client's `x-request-id` if it is usable, else `req_` and 96 random bits. */
export function requestId({ headers }: { readonly headers: IncomingHttpHeaders }): string {
  const given = headers["x-request-id"];
  if (typeof given === "string" && USABLE.test(given)) return given;
  return `req_${randomBytes(12).toString("base64url")}`;
}

/** Adds the id to every response, refusals included. */
export function answerRequestIds(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
}
