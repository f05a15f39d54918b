/** Failures of the AI SDK's models as refusals. The packages' own classes are not asked for: each may have its own copy. */
import { ToolariumError } from "../errors.ts";
import { isFields } from "./model.ts";
import {
  brokenAnswer,
  errorWithin,
  type FailingProvider,
  refusedByProvider,
  unreachableProvider,
} from "./provider-error.ts";
import { BrokenSdkAnswer } from "./sdk-answer.ts";

/** Errors that a package throws about the request before it sends anything. */
const REQUEST_FAULTS: ReadonlySet<string> = new Set([
  "AI_UnsupportedFunctionalityError",
  "AI_InvalidPromptError",
  "AI_InvalidArgumentError",
  "AI_TypeValidationError",
]);

export function explainSdkError(error: unknown, provider: FailingProvider): ToolariumError {
  if (error instanceof ToolariumError) return error;
  if (error instanceof BrokenSdkAnswer) return brokenAnswer(provider, error.message, error);
  if (!isFields(error)) return brokenAnswer(provider, String(error));
  const { name, message, statusCode: status, responseBody, responseHeaders, data } = error;
  const headers = isFields(responseHeaders) ? responseHeaders : {};
  const said = typeof message === "string" ? message : "";
  if (typeof status === "number") {
    const body = typeof responseBody === "string" && responseBody !== "" ? responseBody : toBody(data, said);
    return refusedByProvider(provider, {
      status: isBadKey(status, body) ? 401 : status,
      body,
      retryAfter: textOf(headers["retry-after"]),
      type: textOf(headers["x-amzn-errortype"])?.split(":", 1)[0],
    });
  }
  if (name === "AI_APICallError") return unreachableProvider(provider, rootOf(error));
  const within = errorWithin(provider, { error: isFields(data) ? data : { message: said } });
  if (within !== undefined && !(error instanceof Error)) return within;
  if (typeof name === "string" && REQUEST_FAULTS.has(name))
    return new ToolariumError("invalid_request", `The model provider "${provider.name}": ${said}`, {
      cause: error,
    });
  return unreachableProvider(provider, rootOf(error));
}

/** Google refuses a key like a parameter. */
function isBadKey(status: number, body: string): boolean {
  return status === 400 && body.includes("API_KEY_INVALID");
}

function toBody(data: unknown, message: string): string {
  return JSON.stringify({ error: isFields(data) ? { message, ...data } : { message } });
}

/** The system's error at the bottom of those that were wrapped around it. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
