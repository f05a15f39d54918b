/**
 * Repeats requests to one model of one provider. A request is retried only where the client cannot notice: no part of
 * its answer has come, so none has been passed on. That holds for every turn of an answer: tool calls before it are
 * recorded and in the request, and asking a model again repeats none of them.
 */
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import { beginAnswer } from "./begin-answer.ts";
import type { Clock } from "./clock.ts";
import type { CoolDown } from "./cool-down.ts";
import type { KeyRing, RingKey } from "./key-ring.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";
import { checkDepth } from "./provider/sendable.ts";
import type { UpstreamTimeouts } from "./provider/watchdog.ts";

export interface AttemptOptions {
  /** `provider/model`. */
  readonly name: string;
  readonly keys: KeyRing;
  /** Health of the provider. */
  readonly health: CoolDown;
  /** Retries after a failure that may pass. Attempts with other keys come on top. */
  readonly retries: number;
  /** `firstByteMs` covers all attempts together, including the pauses between them. */
  readonly timeouts: UpstreamTimeouts;
  readonly clock: Clock;
  /** Gets a warning for each refused key, by the key's number. */
  readonly log: Pick<Log, "warn"> | undefined;
  /** Opens the model with one key, for one attempt. */
  readonly open: (apiKey: string | null, timeouts: UpstreamTimeouts) => ChatModel;
}

/** Milliseconds before the first retry; each further pause is twice as long. */
const FIRST_PAUSE_MS = 250;
/** A provider may ask for a longer pause. Then there is no retry: the client decides. */
const LONGEST_PAUSE_MS = 5_000;

/** The answers of this model begin with a part that names it. */
export function createRetryingModel(options: AttemptOptions): ChatModel {
  return { name: options.name, stream: (request, signal) => streamAnswer(options, request, signal) };
}

async function* streamAnswer(
  options: AttemptOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const answer = await beginInTime(options, request, signal);
  try {
    yield { type: "answering", model: options.name };
    yield* answer;
  } catch (error) {
    using trial = options.health.begin();
    if (!signal.aborted && isProvidersFault(error)) trial.failed();
    throw error;
  }
}

/** Makes attempts until one has the first part of an answer. */
async function beginInTime(
  options: AttemptOptions,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<ModelEvent>> {
  const { messages, tools, params } = request;
  checkDepth({ messages, tools, ...params });
  const { keys, health, timeouts, clock } = options;
  const past: Past = { deadline: clock.now() + timeouts.firstByteMs, refused: new Set(), failures: 0 };
  using trial = health.begin();
  for (;;) {
    const key = keys.draw();
    try {
      const answer = await attempt(options, key, past.deadline, request, signal);
      trial.succeeded();
      return answer;
    } catch (error) {
      if (signal.aborted || !(error instanceof ToolariumError)) throw error;
      if (key !== undefined && isKeyRefused(error)) past.refused.add(key);
      const pauseMs = pauseBeforeNext(options, past, error);
      if (pauseMs === undefined) {
        if (isProvidersFault(error)) trial.failed(error.retryAfterSeconds);
        throw error;
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
    }
  }
}

async function attempt(
  { name, open, timeouts, clock, log }: AttemptOptions,
  key: RingKey | undefined,
  deadline: number,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<ModelEvent>> {
  using trial = key?.health.begin();
  const model = open(key?.key ?? null, { ...timeouts, firstByteMs: deadline - clock.now() });
  try {
    const answer = await beginAnswer(model, request, signal);
    trial?.succeeded();
    return answer;
  } catch (error) {
    if (key !== undefined && !signal.aborted && isKeyRefused(error)) {
      trial?.failed(error.retryAfterSeconds);
      log?.warn(
        { model: name, keyNumber: key.number, reason: error.message },
        "a key of a provider was refused, and rests",
      );
    }
    throw error;
  }
}

interface Past {
  /** The time on the clock by which the first part must have come. */
  readonly deadline: number;
  readonly refused: Set<RingKey>;
  /** Failures after which the same request was allowed again. */
  failures: number;
}

/** Milliseconds; 0 when another key is ready. Undefined when there is no further attempt. */
function pauseBeforeNext(
  { keys, retries, clock }: AttemptOptions,
  past: Past,
  error: ToolariumError,
): number | undefined {
  const left = past.deadline - clock.now();
  if (isKeyRefused(error) && keys.hasOther(past.refused) && left > 0) return 0;
  // Missing credit does not pass by itself.
  if (!error.retryable || error.provider?.code === "insufficient_quota") return undefined;
  const pauseMs = pauseAfter(past.failures, error, clock);
  past.failures += 1;
  return past.failures > retries || pauseMs > LONGEST_PAUSE_MS || pauseMs >= left ? undefined : pauseMs;
}

/**
 * The pause that the provider asks for, else a random one below a bound that doubles, so that many clients do not
 * return at once.
 */
function pauseAfter(failures: number, { retryAfterSeconds }: ToolariumError, clock: Clock): number {
  if (retryAfterSeconds !== undefined) return retryAfterSeconds * 1_000;
  const bound = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
  return (bound * (1 + clock.random())) / 2;
}

/** Whether the request itself was refused: no other key, time or provider would help. */
export function isCallersFault({ code, provider }: ToolariumError): boolean {
  if (code === "invalid_request") return true;
  switch (provider?.answered) {
    case 400:
    case 413:
    case 415:
    case 422:
      return true;
    default:
      return false;
  }
}

/** Whether the failure may hit other requests to this provider as well. */
function isProvidersFault(error: unknown): boolean {
  return (
    error instanceof ToolariumError &&
    error.provider !== undefined &&
    (error.retryable || isKeyRefused(error))
  );
}

function isKeyRefused(error: unknown): error is ToolariumError {
  if (!(error instanceof ToolariumError)) return false;
  const status = error.provider?.answered;
  return status === 401 || status === 402 || status === 403 || status === 429;
}
