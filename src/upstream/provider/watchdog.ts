/** Milliseconds of silence that end a request. */
export interface UpstreamTimeouts {
  /** Until the first byte of the answer. Default 600 000, as in OpenAI's own clients. */
  readonly firstByteMs: number;
  /** Between two parts of the answer. Default 300 000: reasoning models may be silent for minutes. */
  readonly idleMs: number;
}

export const defaultTimeouts: UpstreamTimeouts = { firstByteMs: 600_000, idleMs: 300_000 };

/** Aborts its signal when the caller's signal aborts, when silence lasts too long, or when it is disposed. */
export interface Watchdog extends Disposable {
  readonly signal: AbortSignal;
  /** The silence that ended the request, in milliseconds; undefined while none has. */
  readonly silentMs: number | undefined;
  /** Passes the chunks on; each one restarts the time limit. */
  watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
}

/** Never visible outside; creating one for every request would cost more than the rest of this file. */
const DISPOSED: unknown = new Error("the request is over");

export function createWatchdog(outer: AbortSignal, { firstByteMs, idleMs }: UpstreamTimeouts): Watchdog {
  const controller = new AbortController();
  const abort = (): void => controller.abort(outer.reason);
  outer.addEventListener("abort", abort, { once: true });
  if (outer.aborted) abort();

  let silentMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const expectWithin = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      silentMs = ms;
      controller.abort();
    }, ms);
  };
  expectWithin(firstByteMs);

  return {
    signal: controller.signal,
    get silentMs() {
      return silentMs;
    },
    async *watch(chunks) {
      for await (const chunk of chunks) {
        // While the reader is busy with a chunk, the silence is not the provider's fault.
        clearTimeout(timer);
        yield chunk;
        expectWithin(idleMs);
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
      controller.abort(DISPOSED);
    },
  };
}
