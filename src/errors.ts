/**
 * Every failure that Toolarium names, in one table: code → HTTP status, OpenAI error type, exit code of the command
 * line, whether an unchanged retry can help, and the message for a thrower without a more exact one.
 *
 * Three kinds of failure are never mixed. A *refusal* is thrown as `ToolariumError`: the caller can act on it. An
 * *outcome* (a program that failed, a tool that rejected) is a value in a report. Anything else is a *bug*: it is
 * logged with its stack and leaves the process as `internal_error`.
 */

import type { ToolErrorKind } from "../sandbox/index.ts";
import type { RefusalCode, RunErrorCode } from "./error-codes.ts";

export type ErrorCode = RefusalCode | RunErrorCode;

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly exit: number;
  readonly retryable: boolean;
  readonly message: string;
}

const row = (status: number, type: string, exit: number, retryable: boolean, message: string): ErrorRow => ({
  status,
  type,
  exit,
  retryable,
  message,
});

const INVALID = "invalid_request_error";
const RUN = "run_error";

export const errorTable: { readonly [C in ErrorCode]: ErrorRow } = {
  // Refusals: the request was not served.
  invalid_request: row(400, INVALID, 2, false, "The request is not valid."),
  limit_above_ceiling: row(400, INVALID, 2, false, "A requested limit is above this deployment's ceiling."),
  unknown_call: row(400, INVALID, 2, false, "No pending call has this id."),
  unauthorized: row(
    401,
    "authentication_error",
    2,
    false,
    "A valid API key is needed: Authorization: Bearer <key>.",
  ),
  forbidden: row(403, "permission_error", 4, false, "This key may not do that."),
  admin_disabled: row(
    403,
    "permission_error",
    4,
    false,
    "Administration is off. Set server.admin or use a key with the right `admin`.",
  ),
  host_not_allowed: row(
    403,
    "permission_error",
    4,
    false,
    "This Host is not served. Add it to server.allowedHosts.",
  ),
  origin_not_allowed: row(
    403,
    "permission_error",
    4,
    false,
    "This Origin may not use the gateway. Add it to server.allowedOrigins.",
  ),
  tool_not_allowed: row(403, "permission_error", 4, false, "The tool is outside the allowed set."),
  not_found: row(404, INVALID, 2, false, "There is nothing here under this address."),
  model_not_found: row(404, INVALID, 2, false, "No provider offers this model. GET /v1/models lists them."),
  unknown_tool: row(404, INVALID, 2, false, "No connected server offers this tool."),
  method_not_allowed: row(405, INVALID, 2, false, "This address does not answer to this method."),
  decision_conflict: row(409, INVALID, 2, false, "This call was already decided otherwise."),
  body_too_large: row(413, INVALID, 2, false, "The request body is larger than this route allows."),
  unsupported_media_type: row(415, INVALID, 2, false, "Send the body as Content-Type: application/json."),
  invalid_arguments: row(422, INVALID, 1, false, "The arguments do not match the tool's input schema."),
  tool_error: row(422, "tool_error", 1, false, "The tool reported a failure."),
  rate_limited: row(429, "rate_limit_error", 6, true, "Too many requests for this key. Retry later."),
  upstream_error: row(502, "upstream_error", 7, true, "The model provider failed."),
  unavailable: row(502, "upstream_error", 7, true, "The tool's server is not connected."),
  queue_full: row(
    503,
    "overloaded_error",
    6,
    true,
    "All workers are busy and the queue is full. Retry later.",
  ),
  not_ready: row(503, "overloaded_error", 70, true, "The gateway is not ready to run programs. Retry later."),
  overloaded: row(
    503,
    "overloaded_error",
    6,
    true,
    "The gateway holds as many bytes of requests and results as server.memoryBudgetMb allows. Retry later.",
  ),
  store_unavailable: row(
    503,
    "overloaded_error",
    70,
    true,
    "The store cannot be written at present. Retry later.",
  ),
  store_full: row(
    507,
    "overloaded_error",
    6,
    false,
    "The store is full: all runs, or your runs, take more than their limit.",
  ),
  store_damaged: row(
    500,
    "api_error",
    70,
    false,
    "The store's file is damaged where this was to be read. toolarium audit --verify names what is broken.",
  ),
  run_lost: row(
    503,
    "overloaded_error",
    70,
    true,
    "Another gateway process owns this run now and continues it. Retry to get its outcome.",
  ),
  timeout: row(504, "upstream_error", 7, true, "The tool did not answer in time."),
  internal_error: row(
    500,
    "api_error",
    70,
    false,
    "Something went wrong in the gateway. The log has the details.",
  ),
  config_error: row(500, "config_error", 3, false, "The configuration cannot be used."),
  usage_error: row(400, INVALID, 2, false, "The command line is not understood. Try toolarium --help."),
  engine_missing: row(
    500,
    "config_error",
    70,
    false,
    "isolated-vm could not be loaded, and there is no other engine to fall back to.",
  ),
  disposed: row(503, "api_error", 70, false, "This sandbox has been disposed."),

  // Outcomes of a run: the request was served, and these codes are in its report.
  syntax_error: row(200, RUN, 1, false, "The program could not be parsed."),
  type_error: row(200, RUN, 1, false, "The program does not fit the tools' types."),
  compile_timeout: row(200, RUN, 6, true, "The program took too long to compile."),
  guest_error: row(200, RUN, 1, false, "The program threw."),
  cpu_timeout: row(200, RUN, 6, false, "The program used more CPU time than its limit."),
  wall_timeout: row(200, RUN, 6, false, "The program took longer than its limit."),
  memory_exceeded: row(200, RUN, 6, false, "The program used more memory than its limit."),
  engine_crashed: row(200, RUN, 70, true, "The worker process died while it ran this program."),
  source_too_large: row(200, RUN, 6, false, "The program text is too large or too deeply nested."),
  result_too_large: row(200, RUN, 6, false, "The returned value is larger than its limit."),
  not_serializable: row(200, RUN, 1, false, "The returned value cannot be written as JSON."),
  too_many_calls: row(200, RUN, 6, false, "The program made more tool calls than its limit."),
  pending_forever: row(200, RUN, 1, false, "The program waits for something that can never happen."),
  approval_expired: row(200, RUN, 5, false, "Nobody decided the pending call in time."),
  diverged: row(200, RUN, 70, false, "The replayed program did not repeat its own history."),
  cancelled: row(200, RUN, 130, false, "The run was cancelled."),
};

/** The code for a tool failure of each kind, where one tool call is the whole request. */
export const toolFailureCode: { readonly [K in ToolErrorKind]: ErrorCode } = {
  tool: "tool_error",
  denied: "tool_not_allowed",
  invalid_arguments: "invalid_arguments",
  timeout: "timeout",
  cancelled: "cancelled",
  unavailable: "unavailable",
  too_large: "tool_error",
  unsupported: "tool_error",
  unknown_tool: "unknown_tool",
};

/** One fault in a body: its place (RFC 6901 pointer) and what was expected. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** A model provider's classification of its own failure. Overrides the table, so that clients get a code they know. */
export interface ProviderFault {
  readonly status: number;
  /** Whether the unchanged request can succeed later. */
  readonly retryable: boolean;
  readonly type?: string;
  readonly code?: string;
  /** The status of the provider's own answer, where there was one. */
  readonly answered?: number;
}

/** The known state of a run whose record cannot be kept: its client gets this instead of a report. */
export interface KnownRun {
  readonly id: string;
  /** According to its record so far. */
  readonly status: string;
  /** `possible` iff a call that is not read-only had started. */
  readonly effects: "none" | "possible";
}

export interface ToolariumErrorOptions {
  /** Name of the offending parameter, in OpenAI's error shape. */
  readonly param?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly provider?: ProviderFault;
  /** The run in question, if it continues to exist. */
  readonly run?: KnownRun;
  /** A status that differs from the code's; the request must not be retried then. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * A refusal. Its message is safe to show: it holds no path, stack or secret of ours. Its constructor never throws.
 *
 * @example
 * import { createSandbox, ToolariumError } from "toolarium";
 *
 * await using sandbox = await createSandbox({ workers: 1 });
 * try {
 *   await sandbox.run("return 1", { limits: { wallMs: 600_000 } });
 * } catch (error) {
 *   if (!(error instanceof ToolariumError)) throw error;
 *   console.log(error.code, error.status, error.retryable); // limit_above_ceiling 400 false
 *   console.log(error.message); // wallMs may be at most 300000 here, 600000 was asked for.
 * }
 */
export class ToolariumError extends Error {
  override readonly name = "ToolariumError";
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly provider: ProviderFault | undefined;
  readonly run: KnownRun | undefined;
  readonly #status: number | undefined;

  constructor(code: ErrorCode, message?: string, options: ToolariumErrorOptions = {}) {
    super(
      message ?? errorTable[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.param = options.param;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.provider = options.provider;
    this.run = options.run;
    this.#status = options.status;
  }

  /** The HTTP status: the provider's if it failed, else the table's. */
  get status(): number {
    return this.#status ?? this.provider?.status ?? errorTable[this.code].status;
  }

  /** The `type` of OpenAI's error shape. */
  get type(): string {
    return this.provider?.type ?? errorTable[this.code].type;
  }

  /** Whether the unchanged request can succeed later. */
  get retryable(): boolean {
    return this.#status === undefined && (this.provider?.retryable ?? errorTable[this.code].retryable);
  }
}

/** Turns any thrown value into a refusal. A value that is not a refusal is a bug, whose message is not shown. */
export function toRefusal(error: unknown): ToolariumError {
  return error instanceof ToolariumError
    ? error
    : new ToolariumError("internal_error", undefined, { cause: error });
}
