/**
 * OpenAI's answers, whole or in chunks, to the port's parts. Tolerant of everything that providers are seen to do:
 * usage in odd places, empty or missing choices, messages where deltas belong, content as a list, unknown fields.
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
  // Padding against traffic analysis, of one chunk only.
  "obfuscation",
]);

/** An answer is kept for the next turn, so that one without end must have one. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;
/** Of a payload with which nothing else is done in the same turn of the event loop. */
const LARGE_CHARS = 256 * 1024;
/** Several for each token of the longest answers. */
const MAX_CHUNKS = 1_000_000;

/** Whose answer it is, and the names of the tools that were offered for it. */
export interface AnswerOrigin {
  readonly provider: FailingProvider;
  readonly tools: Iterable<string>;
}

/**
 * A chunked answer.
 *
 * @throws `upstream_error` when it holds an error, is not JSON, has nothing, or breaks off unfinished; RangeError when
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
    // What it took to find it was work enough for one turn.
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

/** What is lost behind the end of an answer is none of it. */
async function* untilLost(
  payloads: AsyncIterable<ServerSentPayload>,
  reader: Reader,
): AsyncGenerator<ServerSentPayload> {
  try {
    yield* payloads;
  } catch (error) {
    // A request that was given up here is another matter.
    const isLost = error instanceof ToolariumError && error.provider !== undefined;
    if (!(isLost && reader.isFinished)) throw error;
  }
}

/** A whole answer as one JSON value. @throws `upstream_error` when it holds an error or is no completion */
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
  // It came in one piece: what says no more of its end has nothing missing.
  yield* reader.end(true, "stop");
}

/** A JSON value that came where an answer belongs: in its own words if it has some. */
export function noAnswer(payload: unknown, provider: FailingProvider): ToolariumError {
  const isSpoken = typeof payload === "string" || Array.isArray(payload);
  if (isSpoken || (isFields(payload) && typeof (payload["message"] ?? payload["msg"]) === "string"))
    return reportedByProvider(provider, payload);
  return brokenAnswer(provider, "answered without a choice");
}

/**
 * One payload of a stream; what says nothing is an empty one.
 *
 * @throws `upstream_error` when it is an error, or no JSON object
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
  /** `complete`: the provider said that nothing is missing. `unsaid` is the reason of an answer that has none. */
  end(complete: boolean, unsaid?: string): readonly ModelEvent[];
  /** Whether the provider said why the answer ends. */
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

/** The first choice; a second one was not asked for. */
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

/** The later one counts. What it leaves out of the totals, an earlier one may have told. */
function laterUsage(earlier: Usage | null, later: Usage | undefined): Usage | null {
  if (earlier === null || later === undefined) return later ?? earlier;
  const kept = TOTALS.filter((name) => typeof later[name] !== "number" && typeof earlier[name] === "number");
  if (kept.length === 0) return later;
  return { ...later, ...Object.fromEntries(kept.map((name) => [name, earlier[name]])) };
}

/** Blank words, and words for none, stand in chunks that end nothing. */
function wordOf(reason: unknown): string | undefined {
  return typeof reason === "string" && !/^\s*(null|none)?\s*$/i.test(reason) ? reason : undefined;
}

/** Some tell two reasons: one of the model, and a `stop` behind every answer. */
function moreTelling(earlier: string | undefined, later: string | undefined): string | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier;
  return later.toLowerCase() === "stop" ? earlier : later;
}
