/** The body of a provider's answer as the port's parts. */
import { isFields, type ModelEvent, type ModelRequest } from "../model.ts";
import { isWholeJson } from "../provider/json-scan.ts";
import { brokenAnswer, type FailingProvider } from "../provider/provider-error.ts";
import { type Form, readForm, sureOfCompletion, sureOfEvents } from "./beginning.ts";
import { type AnswerOrigin, readChunks, readCompletion } from "./completion-reader.ts";
import { parsePayload } from "./payload.ts";
import { readServerSentData } from "./server-sent-data.ts";

export interface Answer {
  readonly contentType: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const MAX_COMPLETION_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/**
 * Decides by the bytes, not by the request or the content type: some providers always stream, some never.
 *
 * @throws `upstream_error` when the body is not an answer, or a larger one than can be read; and the errors of its
 * chunks
 */
export async function* readAnswer(
  answer: Answer,
  provider: FailingProvider,
  request: Pick<ModelRequest, "stream" | "raw" | "tools">,
): AsyncGenerator<ModelEvent> {
  try {
    yield* readParts(answer, provider, request);
  } catch (error) {
    if (error instanceof RangeError) throw brokenAnswer(provider, "sent more than can be read", error);
    throw error;
  }
}

async function* readParts(
  answer: Answer,
  provider: FailingProvider,
  { stream, raw, tools }: Pick<ModelRequest, "stream" | "raw" | "tools">,
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

/** One JSON value, or one per line. */
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

/** @throws RangeError when the text is longer than `maxBytes` */
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

/** Pieces of the size that connections deliver. */
async function* inChunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
