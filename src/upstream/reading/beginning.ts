/**
 * Examines the beginning of an answer before any of it is passed on. Content types are unreliable. An error, an HTML
 * page or an empty body with status 200 is a failure like any other, after which another model can be tried.
 */
import { type Fields, isFields } from "../model.ts";
import { brokenAnswer, errorWithin, type FailingProvider } from "../provider/provider-error.ts";
import { choicesOf, noAnswer, readPayload } from "./completion-reader.ts";
import { parsePayload } from "./payload.ts";
import { createEventReader, isDone } from "./server-sent-data.ts";

type Chunks = AsyncIterable<Uint8Array>;

/** The form of a body, decided by its first characters. */
export type Form = "events" | "json";

/** Bytes held back until an answer has content. */
const MAX_HELD_BYTES = 64 * 1024;
/** Characters that distinguish a field of an event from other text. */
const FIELD_CHARS = 8;
const CHOICES = /"choices"\s*:\s*\[/;
const FIELD = /^(data|event|id|retry)\s*:/;

/** The body without the blanks before it. @throws `upstream_error` when it has neither form, or is empty */
export async function readForm(
  chunks: Chunks,
  provider: FailingProvider,
): Promise<{ readonly form: Form; readonly chunks: Chunks }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let text = "";
  for (;;) {
    const next = await iterator.next();
    // In latin1 each byte is the character of the same number, which is enough here.
    if (!next.done) text += Buffer.from(next.value.subarray(0, MAX_HELD_BYTES)).toString("latin1");
    text = text.replace(/^(\u00ef\u00bb\u00bf)?\s*/, "");
    if (!next.done && text !== "") held.push(next.value);
    if (!next.done && !isTelling(text)) continue;
    const form = formOf(text);
    if (form !== undefined) return { form, chunks: followedBy(held, iterator) };
    await iterator.return?.();
    throw brokenAnswer(provider, complaint(text));
  }
}

function isTelling(text: string): boolean {
  return /^[{["<:]/.test(text) || text.length >= FIELD_CHARS || /[\r\n]/.test(text);
}

function formOf(text: string): Form | undefined {
  if (/^[{["]/.test(text)) return "json";
  return text.startsWith(":") || FIELD.test(text) ? "events" : undefined;
}

function complaint(text: string): string {
  if (text === "") return "answered with nothing";
  return text.startsWith("<") ? "answered with a page of HTML" : "sent something that is not JSON";
}

/** The same bytes, once an answer has begun in them. @throws `upstream_error` when none begins */
export async function sureOfEvents(chunks: Chunks, provider: FailingProvider): Promise<Chunks> {
  const iterator = chunks[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  const reader = createEventReader();
  const held: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < MAX_HELD_BYTES) {
      const next = await iterator.next();
      if (!next.done) {
        held.push(next.value);
        bytes += next.value.byteLength;
      }
      const payloads = next.done ? reader.end() : reader.read(decoder.decode(next.value, { stream: true }));
      for (const { data, isError } of payloads) {
        if (isDone(data)) throw brokenAnswer(provider, "answered with nothing");
        if (saysSomething(readPayload(data, isError, provider), provider)) return followedBy(held, iterator);
      }
      if (next.done) throw brokenAnswer(provider, "answered with nothing");
    }
    return followedBy(held, iterator);
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
}

/**
 * The same bytes, unless they are an error or not an answer. Only a short body can be that. @throws `upstream_error`
 */
export async function sureOfCompletion(chunks: Chunks, provider: FailingProvider): Promise<Chunks> {
  const iterator = chunks[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  for (let bytes = 0; bytes < MAX_HELD_BYTES; ) {
    const next = await iterator.next();
    if (next.done) {
      const body = Buffer.concat(held).toString("utf8");
      // Most answers need no parsing here.
      if (CHOICES.test(body) && !body.includes('"error"')) break;
      const payload = parsePayload(body, provider);
      const error = isFields(payload) ? errorWithin(provider, payload) : undefined;
      if (error !== undefined) throw error;
      if (!isFields(payload) || !Array.isArray(payload["choices"])) throw noAnswer(payload, provider);
      break;
    }
    held.push(next.value);
    bytes += next.value.byteLength;
  }
  return followedBy(held, iterator);
}

/** Whether a chunk has content beyond the promise of an answer. @throws `upstream_error` when it is an error */
function saysSomething(payload: Fields, provider: FailingProvider): boolean {
  const error = errorWithin(provider, payload);
  if (error !== undefined) throw error;
  return choicesOf(payload).some((choice) => {
    const within = errorWithin(provider, { error: choice["error"] });
    if (within !== undefined) throw within;
    const { index: _, finish_reason: reason, delta, message, ...rest } = choice;
    const { role: __, ...said } = isFields(delta) ? delta : isFields(message) ? message : {};
    return [reason, ...Object.values(rest), ...Object.values(said)].some(
      (value) => Boolean(value) && !(Array.isArray(value) && value.length === 0),
    );
  });
}

/** These bytes, followed by the rest. */
export async function* followedBy(
  held: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* held;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
