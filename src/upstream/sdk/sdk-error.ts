/**
 * Failures of the AI SDK's models as refusals. The packages' own error classes are not tested: each package may have
 * its own copy.
 */
import { ToolariumError } from "../../errors.ts";
import { type Fields, isFields } from "../model.ts";
import {
  brokenAnswer,
  errorWithin,
  type FailingProvider,
  inOwnWords,
  refusedByProvider,
  unreachableProvider,
} from "../provider/provider-error.ts";
import { BrokenSdkAnswer } from "./sdk-answer.ts";

/** Errors that a package throws about the request before it sends anything. */
const REQUEST_FAULTS: ReadonlySet<unknown> = new Set([
  "AI_UnsupportedFunctionalityError",
  "AI_InvalidPromptError",
  "AI_InvalidArgumentError",
]);

/** Explains a failure of the provider. Any other error, a bug of ours, is returned as it is. */
export function explainSdkError(error: unknown, provider: FailingProvider): unknown {
  if (error instanceof ToolariumError) return error;
  // An error from our own reading of the bytes.
  if (error instanceof Error && rootOf(error) instanceof ToolariumError) return rootOf(error);
  if (error instanceof BrokenSdkAnswer) return brokenAnswer(provider, error.message, error);
  if (!isFields(error)) return brokenAnswer(provider, `reported ${JSON.stringify(error)}`);
  const said = textOf(error["message"]) ?? "reported an error without words";
  const status = error["statusCode"];
  // With a good status the answer itself broke; the cause says how.
  if (typeof status === "number" && status >= 300) return refusal(error, status, said, provider);
  if (REQUEST_FAULTS.has(error["name"]))
    return new ToolariumError("invalid_request", inOwnWords(provider, said), { cause: error });
  if (!(error instanceof Error)) return errorWithin(provider, { error: wordsOf(error, said) });
  const root = rootOf(error);
  const isUnanswered = error.name === "AI_APICallError" && status === undefined;
  if (isUnanswered || "code" in root) return unreachableProvider(provider, root);
  const isBug = root instanceof TypeError || root instanceof ReferenceError;
  return isBug ? error : brokenAnswer(provider, "sent something that is not of its protocol", error);
}

/** A refusal by status: that of the answer, or one that a package found in it. */
function refusal(error: Fields, status: number, said: string, provider: FailingProvider): ToolariumError {
  const headers = isFields(error["responseHeaders"]) ? error["responseHeaders"] : {};
  const body = textOf(error["responseBody"]) ?? JSON.stringify({ error: wordsOf(error, said) });
  return refusedByProvider(provider, {
    // Google refuses a key with the status for parameters.
    status: status === 400 && body.includes("API_KEY_INVALID") ? 401 : status,
    body,
    retryAfter: textOf(headers["retry-after"]),
    type: textOf(headers["x-amzn-errortype"])?.split(":", 1)[0],
  });
}

/** The provider's own type, code and parameter, as far as the package kept them. */
function wordsOf({ type, data }: Fields, message: string): Fields {
  return { message, type, ...(isFields(data) ? data : {}) };
}

/** The system's error inside the errors that wrap it. */
function rootOf(error: Error): Error {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
