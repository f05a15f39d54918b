/** The id of a request: the client's own, or one of ours. It stands in every answer and in the log. */
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance } from "fastify";

/** What a log line and a header take without escapes. */
const USABLE = /^[\w.:/+=@-]{1,200}$/;

/** `x-request-id` as it came where it is usable, else `req_` and 96 random bits. */
export function requestId({ headers }: { readonly headers: IncomingHttpHeaders }): string {
  const given = headers["x-request-id"];
  if (typeof given === "string" && USABLE.test(given)) return given;
  return `req_${randomBytes(12).toString("base64url")}`;
}

/** Answers every request with its id, refusals included. */
export function answerRequestIds(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
}
