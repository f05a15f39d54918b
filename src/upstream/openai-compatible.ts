/**
 * Any provider that speaks OpenAI's chat completions, over HTTP and nothing else: no SDK, no retries (attempts.ts has
 * them), no redirects. A request ends at the provider as soon as nobody reads its answer.
 */
import { type Dispatcher, request as sendRequest } from "undici";
import type { ProviderConfig } from "../config.ts";
import { ToolariumError } from "../errors.ts";
import { readChunks, readCompletion } from "./completion-reader.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";
import {
  brokenAnswer,
  type FailingProvider,
  refusedByProvider,
  silentProvider,
  unreachableProvider,
} from "./provider-error.ts";
import { readServerSentData } from "./server-sent-data.ts";
import { createWatchdog, type UpstreamTimeouts, type Watchdog } from "./watchdog.ts";

export interface OpenAiCompatibleOptions {
  readonly provider: FailingProvider &
    Pick<ProviderConfig, "baseUrl" | "headers"> & { readonly apiKey: string | null };
  /** The model's name at the provider. */
  readonly model: string;
  /** Owned by whoever gives it. */
  readonly dispatcher: Dispatcher;
  readonly timeouts: UpstreamTimeouts;
}

const MAX_COMPLETION_BYTES = 64 * 1024 * 1024;
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
    yield* readAnswer({ contentType, chunks: explained(chunks, explain) }, options, request);
  } catch (error) {
    throw explain(error);
  }
}

interface Answer {
  readonly contentType: string;
  readonly chunks: AsyncIterable<Uint8Array>;
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
    body: JSON.stringify({ ...params, model, messages, ...(tools.length === 0 ? {} : { tools }), stream }),
    signal: watchdog.signal,
    // The watchdog counts instead: it is exact, and knows why it fired.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // Abandoned bodies end with an error event that nobody is left to hear.
  response.body.on("error", () => {});
  const chunks = watchdog.watch(response.body);
  const { statusCode: status, headers } = response;
  if (status >= 400) {
    const body = await readText(chunks, MAX_ERROR_BYTES);
    throw refusedByProvider(provider, { status, body, retryAfter: oneOf(headers["retry-after"]) });
  }
  if (status !== 200 && status !== 201)
    throw brokenAnswer(provider, `answered with the unexpected HTTP status ${status}`);
  return { contentType: oneOf(headers["content-type"]) ?? "", chunks };
}

/** Goes by what came, not by what was asked: some providers stream always, some never. */
async function* readAnswer(
  { contentType, chunks }: Answer,
  { provider }: OpenAiCompatibleOptions,
  { stream, raw }: ModelRequest,
): AsyncGenerator<ModelEvent> {
  const isEventStream = contentType.includes("event-stream");
  if (raw && isEventStream === stream) yield { type: "raw", contentType, chunks };
  else if (isEventStream) yield* readChunks(readServerSentData(chunks), provider);
  else {
    const text = await readText(chunks, MAX_COMPLETION_BYTES);
    if (/^\s*(data|event):/.test(text)) yield* readChunks(readServerSentData(onceOf(text)), provider);
    else yield* readCompletion(text, provider);
  }
}

function completionsUrl(baseUrl: string): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
  return url;
}

/** The same chunks; their failures are explained also to those who read them on their own. */
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

/** @throws RangeError when the text is longer than this */
async function readText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new RangeError(`the answer is larger than ${maxBytes} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function* onceOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
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
  if (error instanceof RangeError) return brokenAnswer(provider, "sent more than can be read", error);
  return unreachableProvider(provider, error);
}
