/** Failures of model providers as refusals: in the provider's own words, with our secrets taken out. */
import { type ProviderFault, ToolariumError } from "../../errors.ts";
import { createRedact, foreignText } from "../../foreign-text.ts";
import { type Fields, isFields } from "../model.ts";
import { createJsonScan } from "./json-scan.ts";
import { holdsError, readError, type SaidError, statusOfWord } from "./said-error.ts";

/** Whose failure it is. */
export interface FailingProvider {
  readonly name: string;
  /** Its keys, all of them: taken out of every message. */
  readonly secrets: readonly string[];
}

const MAX_MESSAGE_CHARS = 2_000;
/** Of a message that are looked through, which takes longer than to read them. */
const MAX_READ_CHARS = 64 * 1024;
/** Of a type, a code or the name of a parameter. */
const MAX_WORD_CHARS = 200;
/** Levels of arrays and objects in an error. */
const MAX_ERROR_DEPTH = 64;

/** An answer with a status of 400 or more. `body` is its text, perhaps JSON. */
export function refusedByProvider(
  provider: FailingProvider,
  answer: {
    readonly status: number;
    readonly body: string;
    readonly retryAfter: string | undefined;
    /** What its headers call the error, for a body that has no word for it. */
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

/** The error that a payload is, or holds, although the answer's status was 200; undefined when there is none. */
export function errorWithin(provider: FailingProvider, payload: Fields): ToolariumError | undefined {
  return holdsError(payload) ? reportedByProvider(provider, payload) : undefined;
}

/** An error that came in place of an answer, in any shape, although the answer's status was 200. */
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

/** An answer that breaks the protocol, or breaks off. */
export function brokenAnswer(provider: FailingProvider, what: string, cause?: unknown): ToolariumError {
  return upstreamError(provider, what, { fault: { status: 502, retryable: true }, cause });
}

/** No answer at all, or silence inside one, for too long. */
export function silentProvider(provider: FailingProvider, silentMs: number): ToolariumError {
  return upstreamError(provider, `sent nothing for ${silentMs / 1_000} s`, {
    fault: { status: 504, retryable: true },
  });
}

/** The connection could not be made or was lost. The address stays private; the system's code says enough. */
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

/** A message of the provider, or about it, as clients read it. */
export function inOwnWords(provider: FailingProvider, message: string): string {
  return `The model provider "${provider.name}": ${shown(provider, message, MAX_MESSAGE_CHARS)}`;
}

function shown({ secrets }: FailingProvider, text: string, maxChars: number): string {
  const said = foreignText(text.slice(0, MAX_READ_CHARS), createRedact(secrets, { keyLike: true }), maxChars);
  if (text.length <= MAX_READ_CHARS || said.length === maxChars) return said;
  // Where it was cut first, a part of a secret may stand.
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
 * A provider's status as the caller should see it. What the caller did wrong keeps its status; what is wrong between
 * us and the provider (keys, credit) is a gateway failure, which trying again does not mend.
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

/** Undefined also for what goes too deep to be looked through. */
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
