/** Failures of model providers as refusals: with the provider's own message, but without the gateway's secrets. */
import { type ProviderFault, ToolariumError } from "../../errors.ts";
import { createRedact, foreignText } from "../../foreign-text.ts";
import { type Fields, isFields } from "../model.ts";
import { createJsonScan } from "./json-scan.ts";
import { holdsError, readError, type SaidError, statusOfWord } from "./said-error.ts";

/** The provider that failed. */
export interface FailingProvider {
  readonly name: string;
  /** All of its keys; they are removed from every message. */
  readonly secrets: readonly string[];
}

const MAX_MESSAGE_CHARS = 2_000;
/** Characters of a message that are searched for secrets; searching takes longer than reading. */
const MAX_READ_CHARS = 64 * 1024;
/** Most characters of a type, a code or the name of a parameter. */
const MAX_WORD_CHARS = 200;
/** Deepest nesting of arrays and objects in an error. */
const MAX_ERROR_DEPTH = 64;

/** The refusal for an answer with a status of 400 or more. `body` is its text, perhaps JSON. */
export function refusedByProvider(
  provider: FailingProvider,
  answer: {
    readonly status: number;
    readonly body: string;
    readonly retryAfter: string | undefined;
    /** The error type from the headers, for a body that has none. */
    readonly type?: string | undefined;
  },
): ToolariumError {
  const said = readError(parseError(answer.body));
  const message = said.message ?? plainText(answer.body) ?? `answered with HTTP status ${answer.status}`;
  return upstreamError(provider, message, {
    fault: {
      ...faultOfStatus(answer.status),
      ...wordsOf({ ...said, type: said.type ?? answer.type }),
      answered: answer.status,
    },
    retryAfter: answer.retryAfter,
    param: said.param,
  });
}

/** The error that a payload is, or contains, in an answer with status 200; undefined when there is none. */
export function errorWithin(provider: FailingProvider, payload: Fields): ToolariumError | undefined {
  return holdsError(payload) ? reportedByProvider(provider, payload) : undefined;
}

/** The refusal for an error, of any shape, that came in place of an answer with status 200. */
export function reportedByProvider(provider: FailingProvider, payload: unknown): ToolariumError {
  const said = readError(payload);
  const status = said.status ?? statusOfWord(said.code ?? "") ?? statusOfWord(said.type ?? "");
  return upstreamError(provider, said.message ?? "reported an error without words", {
    fault: {
      ...faultOfStatus(status ?? 502),
      ...wordsOf(said),
      ...(status === undefined ? {} : { answered: status }),
    },
    param: said.param,
  });
}

/** The refusal for an answer that violates the protocol, or that breaks off. */
export function brokenAnswer(provider: FailingProvider, what: string, cause?: unknown): ToolariumError {
  return upstreamError(provider, what, { fault: { status: 502, retryable: true }, cause });
}

/** The refusal when no answer came in time, or silence inside one lasted too long. */
export function silentProvider(provider: FailingProvider, silentMs: number): ToolariumError {
  return upstreamError(provider, `sent nothing for ${silentMs / 1_000} s`, {
    fault: { status: 504, retryable: true },
  });
}

/** The refusal for a connection that failed or was lost. The address stays private; the system's code is enough. */
export function unreachableProvider(provider: FailingProvider, cause: unknown): ToolariumError {
  const code = isFields(cause) && typeof cause["code"] === "string" ? ` (${cause["code"]})` : "";
  return brokenAnswer(provider, `could not be reached, or cut the connection${code}`, cause);
}

interface UpstreamErrorParts {
  readonly fault: ProviderFault;
  readonly retryAfter?: string | undefined;
  readonly param?: string | undefined;
  readonly cause?: unknown;
}

function upstreamError(
  provider: FailingProvider,
  message: string,
  { fault, retryAfter, param, cause }: UpstreamErrorParts,
): ToolariumError {
  const retryAfterSeconds = secondsOf(retryAfter);
  const { type, code, ...rest } = fault;
  return new ToolariumError("upstream_error", inOwnWords(provider, message), {
    provider: {
      ...rest,
      ...(type === undefined ? {} : { type: shown(provider, type, MAX_WORD_CHARS) }),
      ...(code === undefined ? {} : { code: shown(provider, code, MAX_WORD_CHARS) }),
    },
    cause,
    ...(param === undefined ? {} : { param: shown(provider, param, MAX_WORD_CHARS) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** A message of the provider, or about it, for clients. */
export function inOwnWords(provider: FailingProvider, message: string): string {
  return `The model provider "${provider.name}": ${shown(provider, message, MAX_MESSAGE_CHARS)}`;
}

function shown({ secrets }: FailingProvider, text: string, maxChars: number): string {
  const said = foreignText(text.slice(0, MAX_READ_CHARS), createRedact(secrets, { keyLike: true }), maxChars);
  if (text.length <= MAX_READ_CHARS || said.length === maxChars) return said;
  // The text was cut before the search, so a part of a secret may be at its end.
  return said.slice(0, -Math.max(1, ...secrets.map(({ length }) => length)));
}

/** A `Retry-After`, which is seconds or a date. */
function secondsOf(retryAfter = ""): number | undefined {
  const seconds = /^\s*\d/.test(retryAfter)
    ? Number.parseFloat(retryAfter)
    : (Date.parse(retryAfter) - Date.now()) / 1_000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}

/**
 * The status that the caller gets for a provider's status. A fault of the caller keeps it. A fault between the gateway
 * and the provider (keys, credit) is a gateway failure, which a retry does not repair.
 */
function faultOfStatus(status: number): ProviderFault {
  switch (status) {
    case 400:
    case 404:
    case 413:
    case 415:
    case 422:
      return { status, retryable: false };
    case 429:
    case 503:
    case 504:
      return { status, retryable: true };
    case 408:
      return { status: 504, retryable: true };
    // Bedrock: the model behind it failed.
    case 424:
      return { status: 502, retryable: true };
    case 529:
      return { status: 503, retryable: true };
    default:
      return { status: 502, retryable: status >= 500 };
  }
}

function wordsOf({ type, code }: Pick<SaidError, "type" | "code">): Pick<ProviderFault, "type" | "code"> {
  return { ...(type === undefined ? {} : { type }), ...(code === undefined ? {} : { code }) };
}

function plainText(body: string): string | undefined {
  const text = body.trim();
  return text === "" || /^[<{[]/.test(text) ? undefined : text;
}

/** Undefined also for a text that is nested too deeply to be parsed. */
function parseError(text: string): unknown {
  const scan = createJsonScan();
  scan.read(text);
  if (scan.depth > MAX_ERROR_DEPTH) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
