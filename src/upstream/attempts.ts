/**
 * One model of one provider, asked as often as it may be. A request is sent again only where that cannot be noticed:
 * nothing of an answer has come, nothing of the gateway's answer has gone out, and no tool was called for it. A later
 * turn of an answer, after tools have run, is therefore sent once, although asking a model again would call no tool
 * twice: what a tool has done is on record, and the client is told of the failure instead of waiting for more.
 */
import { ToolariumError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { CoolDown } from "./cool-down.ts";
import type { KeyRing, RingKey } from "./key-ring.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "./model.ts";
import type { UpstreamTimeouts } from "./watchdog.ts";

export interface AttemptOptions {
  /** `provider/model`. */
  readonly name: string;
  readonly keys: KeyRing;
  /** Of the provider. */
  readonly health: CoolDown;
  /** How often a request is sent again after a failure that may pass. Other keys are tried besides. */
  readonly retries: number;
  /** `firstByteMs` is for all attempts together, with the pauses between them. */
  readonly timeouts: UpstreamTimeouts;
  readonly clock: Clock;
  /** The model with one key, for one attempt. */
  readonly open: (apiKey: string | null, timeouts: UpstreamTimeouts) => ChatModel;
}

/** Milliseconds before the first retry; each further pause is twice as long. */
const FIRST_PAUSE_MS = 250;
/** A provider that asks for a longer pause is not waited for: the client decides. */
const LONGEST_PAUSE_MS = 5_000;

/** Its answers begin with a part that tells its name. */
export function createRetryingModel(options: AttemptOptions): ChatModel {
  return { name: options.name, stream: (request, signal) => streamAnswer(options, request, signal) };
}

async function* streamAnswer(
  { name, keys, health, retries, timeouts, clock, open }: AttemptOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const deadline = clock.now() + timeouts.firstByteMs;
  const used = new Set<RingKey>();
  let failures = 0;
  using providerTrial = health.begin();
  for (;;) {
    const key = keys.draw();
    if (key !== undefined) used.add(key);
    using keyTrial = key?.health.begin();
    const model = open(key?.key ?? null, { ...timeouts, firstByteMs: deadline - clock.now() });
    let hasBegun = false;
    let pauseMs = 0;
    try {
      for await (const event of model.stream(request, signal)) {
        if (!hasBegun) {
          hasBegun = true;
          keyTrial?.succeeded();
          providerTrial.succeeded();
          yield { type: "answering", model: name };
        }
        yield event;
      }
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof ToolariumError)) throw error;
      const isOfKey = isKeyRefused(error);
      if (isOfKey && !hasBegun) keyTrial?.failed(error.retryAfterSeconds);
      const mayRepeat = request.repeatable && !hasBegun;
      if (mayRepeat && isOfKey && keys.hasOther(used)) continue;
      pauseMs = pauseBefore(failures, error, clock);
      failures += 1;
      const isOver = failures > retries || pauseMs > LONGEST_PAUSE_MS || clock.now() + pauseMs >= deadline;
      if (!mayRepeat || !error.retryable || isOver) {
        if (!isCallersFault(error)) providerTrial.failed(error.retryAfterSeconds);
        throw error;
      }
    }
    await clock.sleep(pauseMs, signal);
  }
}

/** What the request itself is refused for: no other key, time or provider would mend it. */
export function isCallersFault({ provider }: ToolariumError): boolean {
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

function isKeyRefused({ provider }: ToolariumError): boolean {
  const status = provider?.answered;
  return status === 401 || status === 402 || status === 403 || status === 429;
}

/** As long as the provider asks for, else at random up to a bound that doubles, so that many do not come back at once. */
function pauseBefore(failures: number, { retryAfterSeconds }: ToolariumError, clock: Clock): number {
  if (retryAfterSeconds !== undefined) return retryAfterSeconds * 1_000;
  const bound = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
  return (bound * (1 + clock.random())) / 2;
}
