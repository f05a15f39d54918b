/**
 * OpenAI's answers, whole or in chunks, to the port's parts. Tolerant of everything that providers are seen to do:
 * usage in odd places, empty or missing choices, messages where deltas belong, content as a list, unknown fields.
 */

import type { ToolariumError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { readFinishReason } from "./finish-reason.ts";
import { contentText, type Fields, isFields, type ModelEvent, restFields, type Usage } from "./model.ts";
import { brokenAnswer, errorWithin, type FailingProvider } from "./provider-error.ts";
import { createToolCallReader, type ToolCallReader } from "./tool-call-reader.ts";

const RESPONSE_FIELDS: ReadonlySet<string> = new Set([
  ...["id", "object", "created", "model", "choices", "usage", "error"],
  // Padding against traffic analysis, of one chunk only.
  "obfuscation",
]);
const CHOICE_FIELDS: ReadonlySet<string> = new Set([
  ...["index", "delta", "message", "finish_reason", "usage", "error"],
]);
const MESSAGE_FIELDS: ReadonlySet<string> = new Set(["role", "content", "tool_calls"]);

/** An answer is kept for the next turn, so that one without end must have one. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;

/**
 * A chunked answer.
 *
 * @throws `upstream_error` when it holds an error, is not JSON, or breaks off unfinished; RangeError when its chunks
 * have more than 64 Mi characters together
 */
export async function* readChunks(
  payloads: AsyncIterable<string>,
  provider: FailingProvider,
): AsyncGenerator<ModelEvent> {
  const reader = createReader(provider);
  let complete = false;
  let chars = 0;
  for await (const payload of payloads) {
    chars += payload.length;
    if (chars > MAX_ANSWER_CHARS)
      throw new RangeError(`the answer is longer than ${MAX_ANSWER_CHARS} characters`);
    if (payload.trim() === "[DONE]") {
      complete = true;
      break;
    }
    if (payload.trim() !== "") yield* reader.accept(parsePayload(payload, provider));
  }
  yield* reader.end(complete);
}

/** A whole answer as one JSON text. @throws `upstream_error` when it holds an error or is no completion */
export function* readCompletion(text: string, provider: FailingProvider): Generator<ModelEvent> {
  const payload = parsePayload(text, provider);
  const reader = createReader(provider);
  const events = reader.accept(payload);
  if (choiceOf(payload) === undefined) throw brokenAnswer(provider, "answered without a choice");
  yield* events;
  // It came in one piece: what says no more of its end has nothing missing.
  yield* reader.end(true, "stop");
}

interface Reader {
  accept(payload: Fields): readonly ModelEvent[];
  /** `complete`: the provider said that nothing is missing. `unsaid` is the reason of an answer that has none. */
  end(complete: boolean, unsaid?: string): readonly ModelEvent[];
}

function createReader(provider: FailingProvider): Reader {
  const calls = createToolCallReader();
  let usage: Usage | null = null;
  let response: Fields = {};
  let reason: string | undefined;

  return {
    accept(payload) {
      const choice = choiceOf(payload);
      const error = errorWithin(provider, payload) ?? errorWithin(provider, choice ?? {});
      if (error !== undefined) throw error;
      usage = usageOf(payload, choice) ?? usage;
      response = { ...response, ...restFields(payload, RESPONSE_FIELDS) };
      if (choice === undefined) return [];
      if (typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "")
        reason = choice["finish_reason"];
      return readChoice(choice, calls);
    },
    end(complete, unsaid) {
      if (reason === undefined && !complete) throw unfinished(provider);
      if (calls.anyNameless) throw brokenAnswer(provider, "called a tool without naming it");
      return [{ type: "finish", ...readFinishReason(reason ?? unsaid, calls.any), usage, response }];
    },
  };
}

function readChoice(choice: Fields, calls: ToolCallReader): readonly ModelEvent[] {
  const part = choice["delta"] ?? choice["message"];
  const message = isFields(part) ? part : {};
  const events: ModelEvent[] = [];
  const extra = { message: restFields(message, MESSAGE_FIELDS), choice: restFields(choice, CHOICE_FIELDS) };
  if (Object.keys(extra.message).length + Object.keys(extra.choice).length > 0)
    events.push({ type: "extra", ...extra });
  const text = contentText(message["content"]);
  if (text !== "") events.push({ type: "text-delta", text });
  const entries = message["tool_calls"];
  if (Array.isArray(entries)) for (const entry of entries) events.push(...calls.accept(entry));
  return events;
}

/** The first choice; a second one was not asked for. */
function choiceOf(payload: Fields): Fields | undefined {
  const choices = payload["choices"];
  if (!Array.isArray(choices)) return undefined;
  return choices.find((choice) => isFields(choice) && (choice["index"] ?? 0) === 0);
}

function usageOf(payload: Fields, choice: Fields | undefined): Usage | undefined {
  const vendor = payload["x_groq"];
  const places = [payload["usage"], choice?.["usage"], isFields(vendor) ? vendor["usage"] : undefined];
  return places.find((place) => isFields(place));
}

function parsePayload(text: string, provider: FailingProvider): Fields {
  try {
    const payload: unknown = parseJson(text);
    if (isFields(payload)) return payload;
  } catch {
    // Said below, without the text: it may hold anything.
  }
  throw brokenAnswer(provider, "sent something that is not a JSON object");
}

function unfinished(provider: FailingProvider): ToolariumError {
  return brokenAnswer(provider, "ended its answer before it was complete");
}
