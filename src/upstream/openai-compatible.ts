/**
 * Any provider with OpenAI's chat completions, over HTTP only: no SDK, no retries (attempts.ts has them), no redirects.
 * A request ends at the provider as soon as its reader stops.
 */
import { type Dispatcher, request as sendRequest } from "undici";
import type { ProviderConfig } from "../config/config.ts";
import { ToolariumError } from "../errors.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";
import {
  brokenAnswer,
  type FailingProvider,
  refusedByProvider,
  silentProvider,
  unreachableProvider,
} from "./provider/provider-error.ts";
import { writeBody } from "./provider/sendable.ts";
import { createWatchdog, type UpstreamTimeouts, type Watchdog } from "./provider/watchdog.ts";
import { type Answer, readAnswer } from "./reading/answer.ts";
import { decodeBody } from "./reading/content-encoding.ts";

export interface OpenAiCompatibleOptions {
  readonly provider: FailingProvider &
    Pick<ProviderConfig, "baseUrl" | "headers"> & { readonly apiKey: string | null };
  /** The model's name at the provider. */
  readonly model: string;
  /** Owned by the caller. */
  readonly dispatcher: Dispatcher;
  readonly timeouts: UpstreamTimeouts;
}

const MAX_ERROR_BYTES = 64 * 1024;

export function createOpenAiCompatibleModel(options: OpenAiCompatibleOptions): ChatModel {
  return {
    name: `${options.provider.name}/${options.model}`,
    stream: (request, signal) => streamAnswer(options, request, signal),
  };
}

async function* streamAnswer(
  options: OpenAiCompatibleOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  using watchdog = createWatchdog(signal, options.timeouts);
  const explain = (error: unknown): unknown => explainFailure(error, options.provider, signal, watchdog);
  try {
    const { contentType, chunks } = await openAnswer(options, request, watchdog);
    const answer = { contentType, chunks: explained(chunks, explain) };
    yield* readAnswer(answer, options.provider, request);
  } catch (error) {
    throw explain(error);
  }
}

async function openAnswer(
  { provider, model, dispatcher }: OpenAiCompatibleOptions,
  { messages, tools, params, stream }: ModelRequest,
  watchdog: Watchdog,
): Promise<Answer> {
  const response = await sendRequest(completionsUrl(provider.baseUrl), {
    dispatcher,
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: stream ? "text/event-stream" : "application/json",
      "user-agent": "toolarium",
      ...(provider.apiKey === null ? {} : { authorization: `Bearer ${provider.apiKey}` }),
      ...provider.headers,
    },
    body: writeBody({ ...params, model, messages, ...(tools.length === 0 ? {} : { tools }), stream }),
    signal: watchdog.signal,
    // The watchdog takes their place: it is exact, and knows why it fired.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // An abandoned body ends with an error event that has no listener left.
  response.body.on("error", () => {});
  const { statusCode: status, headers } = response;
  const chunks = decodeBody(watchdog.watch(response.body), oneOf(headers["content-encoding"]));
  if (status >= 400) {
    const body = await readBeginning(chunks, MAX_ERROR_BYTES);
    throw refusedByProvider(provider, { status, body, retryAfter: oneOf(headers["retry-after"]) });
  }
  if (status !== 200 && status !== 201)
    throw brokenAnswer(provider, `answered with the unexpected HTTP status ${status}`);
  return { contentType: oneOf(headers["content-type"]) ?? "", chunks };
}

function completionsUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
  return url;
}

/** The same chunks; failures are explained to readers of the bare chunks, too. */
async function* explained(
  chunks: AsyncIterable<Uint8Array>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw explain(error);
  }
}

/** The beginning of a text, up to `maxBytes`. */
async function readBeginning(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(parts).subarray(0, maxBytes).toString("utf8");
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function explainFailure(
  error: unknown,
  provider: FailingProvider,
  signal: AbortSignal,
  watchdog: Watchdog,
): unknown {
  if (signal.aborted) return signal.reason;
  if (watchdog.silentMs !== undefined) return silentProvider(provider, watchdog.silentMs);
  if (error instanceof ToolariumError) return error;
  return unreachableProvider(provider, error);
}
