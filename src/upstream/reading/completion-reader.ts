/**
 * OpenAI's answers, whole or in chunks, as the port's parts. Tolerates all known deviations of providers: usage in odd
 * places, empty or missing choices, messages in place of deltas, content as a list, unknown fields.
 */
import { setImmediate } from "node:timers/promises";
import { ToolariumError } from "../../errors.ts";
import { type Fields, isFields, type ModelEvent, restFields, type Usage } from "../model.ts";
import { readFinishReason } from "../provider/finish-reason.ts";
import {
  brokenAnswer,
  errorWithin,
  type FailingProvider,
  reportedByProvider,
} from "../provider/provider-error.ts";
import { createMessageReader } from "./message-reader.ts";
import { createPauses } from "./pauses.ts";
import { parsePayload } from "./payload.ts";
import { isDone, type ServerSentPayload } from "./server-sent-data.ts";

const RESPONSE_FIELDS: ReadonlySet<string> = new Set([
  ...["id", "object", "created", "model", "choices", "usage", "error"],
  // Padding against traffic analysis; it belongs to one chunk only.
  "obfuscation",
]);

/** An answer is kept for the next turn, so its size is bounded. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;
/** From this size on, a payload is the only work in its turn of the event loop. */
const LARGE_CHARS = 256 * 1024;
/** Several chunks for each token of the longest answers. */
const MAX_CHUNKS = 1_000_000;

/** The provider of the answer, and the names of the tools that were offered for it. */
export interface AnswerOrigin {
  readonly provider: FailingProvider;
  readonly tools: Iterable<string>;
}

/**
 * Reads an answer in chunks.
 *
 * @throws `upstream_error` when it contains an error, is not JSON, is empty, or breaks off unfinished; RangeError when
 * it has more than 64 Mi characters or a million chunks
 */
export async function* readChunks(
  payloads: AsyncIterable<ServerSentPayload>,
  origin: AnswerOrigin,
): AsyncGenerator<ModelEvent> {
  const reader = createReader(origin);
  const pause = createPauses();
  let complete = false;
  let chars = 0;
  let chunks = 0;
  for await (const { data, isError } of untilLost(payloads, reader)) {
    chars += data.length;
    chunks += 1;
    if (chars > MAX_ANSWER_CHARS)
      throw new RangeError(`the answer is longer than ${MAX_ANSWER_CHARS} characters`);
    if (chunks > MAX_CHUNKS) throw new RangeError(`the answer has more than ${MAX_CHUNKS} chunks`);
    if (isDone(data)) {
      complete = true;
      break;
    }
    // Splitting off a payload of this size was enough work for one turn.
    if (data.length > LARGE_CHARS) await setImmediate();
    const payload = readPayload(data, isError, origin.provider);
    if (data.length > LARGE_CHARS) await setImmediate();
    for (const event of reader.accept(payload)) {
      yield event;
      const wait = pause();
      if (wait !== undefined) await wait;
    }
    const wait = pause();
    if (wait !== undefined) await wait;
  }
  yield* reader.end(complete);
}

/** Ignores a connection that is lost after the end of the answer. */
async function* untilLost(
  payloads: AsyncIterable<ServerSentPayload>,
  reader: Reader,
): AsyncGenerator<ServerSentPayload> {
  try {
    yield* payloads;
  } catch (error) {
    // A request that was cancelled here is another matter.
    const isLost = error instanceof ToolariumError && error.provider !== undefined;
    if (!(isLost && reader.isFinished)) throw error;
  }
}

/** A whole answer as one JSON value. @throws `upstream_error` when it contains an error or is not a completion */
export function* readCompletion(payload: unknown, origin: AnswerOrigin): Generator<ModelEvent> {
  const { provider } = origin;
  if (!isFields(payload)) throw noAnswer(payload, provider);
  const error = errorWithin(provider, payload);
  if (error !== undefined) throw error;
  const [only, ...others] = choicesOf(payload);
  const choice = choiceOf(payload) ?? (others.length === 0 ? only : undefined);
  if (choice === undefined) throw noAnswer(payload, provider);
  const reader = createReader(origin);
  yield* reader.accept({ ...payload, choices: [{ ...choice, index: 0 }] });
  // It came in one piece, so without a finish reason nothing is missing.
  yield* reader.end(true, "stop");
}

/** The refusal for a JSON value in place of an answer: with its own message if it has one. */
export function noAnswer(payload: unknown, provider: FailingProvider): ToolariumError {
  const isSpoken = typeof payload === "string" || Array.isArray(payload);
  if (isSpoken || (isFields(payload) && typeof (payload["message"] ?? payload["msg"]) === "string"))
    return reportedByProvider(provider, payload);
  return brokenAnswer(provider, "answered without a choice");
}

/**
 * One payload of a stream; a payload without content counts as an empty object.
 *
 * @throws `upstream_error` when it is an error, or not a JSON object
 */
export function readPayload(data: string, isError: boolean, provider: FailingProvider): Fields {
  if (isError) throw reportedByProvider(provider, data);
  if (data.length < 32 && KEEP_ALIVE.test(data)) return {};
  const payload = parsePayload(data, provider);
  if (isFields(payload)) return payload;
  if (typeof payload === "string" || Array.isArray(payload)) throw reportedByProvider(provider, payload);
  throw brokenAnswer(provider, "sent something that is not a JSON object");
}

const KEEP_ALIVE = /^\s*("?(ping|pong|heartbeat|keep-?alive)"?|null|\[\])?\s*$/i;

interface Reader {
  accept(payload: Fields): readonly ModelEvent[];
  /** `complete`: the provider confirmed the end. `unsaid`: the reason for an answer without one. */
  end(complete: boolean, unsaid?: string): readonly ModelEvent[];
  /** Whether the provider gave a finish reason. */
  readonly isFinished: boolean;
}

function createReader({ provider, tools }: AnswerOrigin): Reader {
  const message = createMessageReader(provider, tools);
  const response = new Map<string, unknown>();
  let usage: Usage | null = null;
  let reason: string | undefined;
  let hasChoice = false;

  return {
    accept(payload) {
      const choice = choiceOf(payload);
      const error = errorWithin(provider, payload) ?? errorWithin(provider, { error: choice?.["error"] });
      if (error !== undefined) throw error;
      usage = laterUsage(usage, usageOf(payload, choice));
      for (const [name, value] of Object.entries(restFields(payload, RESPONSE_FIELDS)))
        response.set(name, value);
      if (choice === undefined) return [];
      hasChoice = true;
      reason = moreTelling(reason, wordOf(choice["finish_reason"]));
      return message.accept(choice, reason !== undefined);
    },
    end(complete, unsaid) {
      if (!hasChoice) throw brokenAnswer(provider, "answered with nothing");
      if (reason === undefined && !complete)
        throw brokenAnswer(provider, "ended its answer before it was complete");
      if (reason !== undefined && /^(network_|server_|internal_)?error$/i.test(reason))
        throw brokenAnswer(provider, `ended its answer with the reason "${reason}"`);
      const events = message.end();
      const end = readFinishReason(reason ?? unsaid, message.hasCalls);
      return [...events, { type: "finish", ...end, usage, response: Object.fromEntries(response) }];
    },
    get isFinished() {
      return reason !== undefined;
    },
  };
}

/** The first choice; a second one was not requested. */
function choiceOf(payload: Fields): Fields | undefined {
  const isFirst = (choice: Fields): boolean => Number(choice["index"] ?? 0) === 0;
  return choicesOf(payload).find(isFirst);
}

export function choicesOf({ choices }: Fields): readonly Fields[] {
  return Array.isArray(choices) ? choices.filter(isFields) : [];
}

function usageOf(payload: Fields, choice: Fields | undefined): Usage | undefined {
  const vendor = payload["x_groq"];
  const parts = [choice?.["delta"], choice?.["message"], vendor].map((part) =>
    isFields(part) ? part["usage"] : undefined,
  );
  const places = [payload["usage"], choice?.["usage"], ...parts];
  return places.find(
    (place): place is Usage => isFields(place) && Object.values(place).some((count) => count !== null),
  );
}

const TOTALS = ["prompt_tokens", "completion_tokens", "total_tokens"] as const;

/** The later usage counts. Totals missing in it may be in an earlier one. */
function laterUsage(earlier: Usage | null, later: Usage | undefined): Usage | null {
  if (earlier === null || later === undefined) return later ?? earlier;
  const kept = TOTALS.filter((name) => typeof later[name] !== "number" && typeof earlier[name] === "number");
  if (kept.length === 0) return later;
  return { ...later, ...Object.fromEntries(kept.map((name) => [name, earlier[name]])) };
}

/** Blank reasons and words for "none" appear in chunks that end nothing. */
function wordOf(reason: unknown): string | undefined {
  return typeof reason === "string" && !/^\s*(null|none)?\s*$/i.test(reason) ? reason : undefined;
}

/** Some providers send two reasons: the model's, and a `stop` after every answer. */
function moreTelling(earlier: string | undefined, later: string | undefined): string | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return later.toLowerCase() === "stop" ? earlier : later;
}
