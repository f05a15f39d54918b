/**
 * Any provider that speaks OpenAI's chat completions, over HTTP and nothing else: no SDK, no retries (attempts.ts has
 * them), no redirects. A request ends at the provider as soon as nobody reads its answer.
 */
import { type Dispatcher, request as sendRequest } from "undici";
import type { ProviderConfig } from "../config.ts";
import { ToolariumError } from "../errors.ts";
import { type ChatModel, isFields, type ModelEvent, type ModelRequest } from "./model.ts";
import {
  brokenAnswer,
  type FailingProvider,
  refusedByProvider,
  silentProvider,
  unreachableProvider,
} from "./provider-error.ts";
import { type Form, readForm, sureOfCompletion, sureOfEvents } from "./reading/beginning.ts";
import { type AnswerOrigin, readChunks, readCompletion } from "./reading/completion-reader.ts";
import { decodeBody } from "./reading/content-encoding.ts";
import { isWholeJson } from "./reading/json-scan.ts";
import { parsePayload } from "./reading/payload.ts";
import { readServerSentData } from "./reading/server-sent-data.ts";
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
const CHUNK_BYTES = 64 * 1024;

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

/** Goes by what came, not by what was asked or how it is labelled: some providers stream always, some never. */
async function* readAnswer(
  answer: Answer,
  { provider }: OpenAiCompatibleOptions,
  { stream, raw, tools }: ModelRequest,
): AsyncGenerator<ModelEvent> {
  const { form, chunks } = await readForm(answer.chunks, provider);
  const origin = { provider, tools: namesOf(tools) };
  if (raw && (form === "events") === stream) {
    const sure =
      form === "events" ? await sureOfEvents(chunks, provider) : await sureOfCompletion(chunks, provider);
    yield { type: "raw", contentType: contentTypeOf(form, answer), chunks: sure };
  } else if (form === "events") yield* readChunks(readServerSentData(chunks), origin);
  else yield* readJson(await readText(chunks, MAX_COMPLETION_BYTES), origin);
}

/** One value, or one on each line. */
function readJson(text: string, origin: AnswerOrigin): Iterable<ModelEvent> | AsyncIterable<ModelEvent> {
  const lineEnd = text.search(/[\r\n]/);
  const isLines = lineEnd !== -1 && text.slice(lineEnd).trim() !== "" && isWholeJson(text.slice(0, lineEnd));
  return isLines
    ? readChunks(readServerSentData(inChunks(text)), origin)
    : readCompletion(parsePayload(text, origin.provider), origin);
}

function contentTypeOf(form: Form, { contentType }: Answer): string {
  const isLabelled = contentType.includes("event-stream") === (form === "events");
  if (isLabelled && contentType !== "") return contentType;
  return form === "events" ? "text/event-stream" : "application/json";
}

function* namesOf(tools: ModelRequest["tools"]): Generator<string> {
  for (const tool of tools) {
    const said = [tool["function"], tool["custom"]].find(isFields);
    if (typeof said?.["name"] === "string") yield said["name"];
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

/** The beginning of a text, as much of it as may be kept. */
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

/** Pieces of the size in which they come over connections. */
async function* inChunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
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
