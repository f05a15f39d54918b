/**
 * One reply to the user while it is being made. It runs by itself. Each follower reads it from its start at their own
 * pace, and it waits when it is `MAX_LEAD_CHARS` ahead of the fastest. It is abandoned `keepMs` after its last follower
 * has left.
 */
import type { ChatEvent } from "./events.ts";

export interface Followable {
  /** The chat whose answer it is. */
  readonly run: string;
  /** Rejects when the answer fails, and when the signal aborts: the follower has left. */
  follow(signal: AbortSignal): AsyncIterable<ChatEvent>;
}

export interface LiveAnswerOptions {
  readonly run: string;
  readonly events: AsyncIterable<ChatEvent>;
  /** Milliseconds for which it continues after its last follower has left. 0: it is abandoned at once. */
  readonly keepMs: number;
  /** Called when no follower came back within `keepMs`. */
  readonly abandon: () => void;
}

/**
 * How far an answer may be ahead of its fastest follower: characters of its texts, plus `EVENT_CHARS` for each event.
 * One MiB is enough for a client that reads in bursts, and little beside the other memory of a busy gateway.
 */
const MAX_LEAD_CHARS = 1_048_576;
const EVENT_CHARS = 100;

export class LiveAnswer implements Followable {
  readonly run: string;
  readonly over: Promise<void>;
  readonly #options: LiveAnswerOptions;
  readonly #events: ChatEvent[] = [];
  #end: { readonly error?: unknown } | undefined;
  #change = Promise.withResolvers<void>();
  #chars = 0;
  /** How much each follower has read, in the same measure as `#chars`. */
  readonly #followers = new Set<{ chars: number }>();
  #progress = Promise.withResolvers<void>();
  #leaving: NodeJS.Timeout | undefined;

  constructor(options: LiveAnswerOptions) {
    this.run = options.run;
    this.#options = options;
    this.over = this.#listen();
  }

  async *follow(signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const follower = { chars: 0 };
    this.#followers.add(follower);
    clearTimeout(this.#leaving);
    try {
      for (let next = 0; ; next += 1) {
        while (this.#events[next] === undefined && this.#end === undefined)
          await unlessAborted(this.#change.promise, signal);
        const event = this.#events[next];
        if (event === undefined) break;
        yield event;
        follower.chars += sizeOf(event);
        this.#progress.resolve();
      }
      if (this.#end !== undefined && "error" in this.#end) throw this.#end.error;
    } finally {
      this.#followers.delete(follower);
      this.#progress.resolve();
      if (this.#followers.size === 0 && this.#end === undefined) this.#leave();
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const event of this.#options.events) {
        this.#events.push(event);
        this.#chars += sizeOf(event);
        this.#wake();
        await this.#notFarAhead();
      }
      this.#end = {};
    } catch (error) {
      this.#end = { error };
    }
    clearTimeout(this.#leaving);
    this.#wake();
  }

  /** Waits while it is too far ahead. Without followers it never waits: one may come back for all of it. */
  async #notFarAhead(): Promise<void> {
    while (this.#followers.size > 0) {
      const heard = Math.max(...[...this.#followers].map(({ chars }) => chars));
      if (this.#chars - heard <= MAX_LEAD_CHARS) return;
      this.#progress = Promise.withResolvers();
      await this.#progress.promise;
    }
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

function sizeOf(event: ChatEvent): number {
  return EVENT_CHARS + ("text" in event ? event.text.length : 0);
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
