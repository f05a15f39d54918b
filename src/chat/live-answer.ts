/**
 * One answer under way. It goes on by itself, and whoever follows it hears it from its start, at their own pace. When
 * the last of them has left it is given up, at once or after a while.
 */
import type { ChatEvent } from "./events.ts";

export interface Followable {
  /** Rejects when the answer fails, and when the signal aborts: the follower has left. */
  follow(signal: AbortSignal): AsyncIterable<ChatEvent>;
}

export interface LiveAnswerOptions {
  readonly events: AsyncIterable<ChatEvent>;
  /** Milliseconds for which it goes on when nobody follows it any more. */
  readonly keepMs: number;
  /** Called once, when nobody came back. */
  readonly abandon: () => void;
}

export class LiveAnswer implements Followable {
  readonly over: Promise<void>;
  readonly #options: LiveAnswerOptions;
  readonly #events: ChatEvent[] = [];
  #end: { readonly error?: unknown } | undefined;
  #change = Promise.withResolvers<void>();
  #followers = 0;
  #leaving: NodeJS.Timeout | undefined;

  constructor(options: LiveAnswerOptions) {
    this.#options = options;
    this.over = this.#listen();
  }

  async *follow(signal: AbortSignal): AsyncGenerator<ChatEvent> {
    this.#followers += 1;
    clearTimeout(this.#leaving);
    try {
      for (let next = 0; ; next += 1) {
        while (this.#events[next] === undefined && this.#end === undefined)
          await unlessAborted(this.#change.promise, signal);
        const event = this.#events[next];
        if (event === undefined) break;
        yield event;
      }
      if (this.#end !== undefined && "error" in this.#end) throw this.#end.error;
    } finally {
      this.#followers -= 1;
      if (this.#followers === 0 && this.#end === undefined) this.#leave();
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const event of this.#options.events) {
        this.#events.push(event);
        this.#wake();
      }
      this.#end = {};
    } catch (error) {
      this.#end = { error };
    }
    clearTimeout(this.#leaving);
    this.#wake();
  }

  #leave(): void {
    const { keepMs, abandon } = this.#options;
    if (keepMs === 0) abandon();
    else this.#leaving = setTimeout(abandon, keepMs).unref();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
