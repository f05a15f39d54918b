/**
 * Writes refusals: RFC 9457 problem+json on native routes, OpenAI's error object on OpenAI paths. An error of the HTTP
 * framework first gets a code of `errors.ts`. The response to an unexpected error says nothing about it.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { errorTable, type FieldError, type KnownRun, ToolariumError, toRefusal } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { discardBody } from "./discard-body.ts";
import { toOpenAiError } from "./openai-error.ts";

/** The body of a native refusal. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** The faults of the request, each with its place. Empty when the refusal is not about fields. */
  readonly errors: readonly FieldError[];
  /** The run that it is about. `GET /v1/sandbox/runs/{id}` returns its state. */
  readonly run?: KnownRun;
}

/**
 * Discards the rest of the body, then calls `sendError`. Otherwise the framework would close the connection while the
 * client still sends, and the client would never see the response.
 */
export async function refuseRequest(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): Promise<FastifyReply> {
  if (isUnread(error) && (await discardBody(request.raw))) reply.header("connection", "keep-alive");
  return sendError(error, request, reply, log);
}

/** Answers a request with an error, in the form of its path. Bugs are logged with their stack. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  const refusal = toRefusal(fromFramework(error, request));
  if (refusal.code === "internal_error")
    log.error(
      {
        err: refusal.cause ?? refusal,
        method: request.method,
        route: request.routeOptions.url,
        request: request.id,
      },
      "unexpected error while answering a request",
    );
  reply.headers(refusalHeaders(refusal));
  if (isOpenAiPath(request.url)) {
    const { status, body, headers } = toOpenAiError(refusal);
    return reply.code(status).headers(headers).type("application/json; charset=utf-8").send(body);
  }
  const problem = toProblem(refusal);
  return reply.code(problem.status).type("application/problem+json; charset=utf-8").send(problem);
}

export function toProblem(refusal: ToolariumError): Problem {
  return {
    type: `urn:toolarium:problem:${refusal.code}`,
    title: errorTable[refusal.code].message,
    status: refusal.status,
    code: refusal.code,
    detail: refusal.message,
    errors: refusal.errors,
    ...(refusal.run === undefined ? {} : { run: refusal.run }),
  };
}

/**
 * True for every address under `/v1/` that is not a native route, and for those that OpenAI's clients make from a wrong
 * base URL. These clients also ask for addresses that the gateway does not serve, and show only errors in OpenAI's
 * form.
 */
export function isOpenAiPath(url: string): boolean {
  const path = url.split("?", 1)[0] ?? "";
  return (path.startsWith("/v1/") && !NATIVE_PATH.test(path)) || FOREIGN_OPENAI_PATH.test(path);
}

const FOREIGN_OPENAI_PATH =
  /^\/openai\/|^\/(?:[\w.-]+\/)*(?:chat\/completions|completions|embeddings|responses)$/;

const NATIVE_PATH = /^\/v1\/(?:sandbox|runs|tools|declarations|mcp\/servers|approvals|audit)(?:\/|$)/;

function isUnread(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "FST_ERR_CTP_BODY_TOO_LARGE" || error.code === "overloaded")
  );
}

function refusalHeaders(refusal: ToolariumError): Record<string, string> {
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (refusal.status === 401) headers["www-authenticate"] = "Bearer";
  if (refusal.retryable && (refusal.status === 429 || refusal.status === 503))
    headers["retry-after"] = String(refusal.retryAfterSeconds ?? 1);
  if (refusal.run !== undefined) headers["x-toolarium-run-id"] = refusal.run.id;
  return headers;
}

function fromFramework(error: unknown, request: FastifyRequest): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new ToolariumError(
        "body_too_large",
        `The body is larger than the ${request.routeOptions.bodyLimit} bytes that this route allows.`,
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new ToolariumError("unsupported_media_type");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "ECONNRESET":
      return new ToolariumError("invalid_request", "The body ended before its Content-Length was reached.");
    case "FST_ERR_BAD_URL":
      return new ToolariumError("invalid_request", "The address holds a broken percent escape.");
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new ToolariumError("not_found");
    default:
      return error;
  }
}
