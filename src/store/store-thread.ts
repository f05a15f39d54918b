/** This side of the store's thread: carries requests over, in order, and answers back. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describeShortage } from "../../sandbox/index.ts";
import { ToolariumError, type ToolariumErrorOptions } from "../errors.ts";
import type { Log } from "../log.ts";
import type {
  Answer,
  Envelope,
  FromThread,
  StoreThreadOptions,
  StoreValues,
  ToThread,
} from "./thread-protocol.ts";

type Request = Envelope["request"];

interface Waiting {
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Rejects with `config_error` when the thread cannot use the file. */
export async function startStoreThread(workerData: StoreThreadOptions, log: Log): Promise<StoreThread> {
  const thread = new Worker(new URL(`./sqlite-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    name: "store",
    workerData,
    env: {},
    // Early versions of Node 24 print a warning when node:sqlite is loaded.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [first]: FromThread[] = await once(thread, "message").catch(refuseStart);
  if (first?.type === "refused") throw new ToolariumError(first.code, first.message);
  return new StoreThread(thread, first?.type === "ready" ? first.identity : "", log);
}

function refuseStart(cause: unknown): never {
  const shortage = describeShortage(cause);
  if (shortage === undefined) throw cause;
  throw new ToolariumError("not_ready", `The store's thread cannot be started: ${shortage}.`, { cause });
}

/**
 * How long a write that nobody waits for may wait for others to share its commit with, in milliseconds: longer than a
 * program with ten fast calls takes, so that the store's thread works after it and not beside it.
 */
const GATHER_MS = 10;

export class StoreThread implements AsyncDisposable {
  /** Of the database. */
  readonly identity: string;
  readonly #thread: Worker;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #unsent: Envelope[] = [];
  #scheduled: "soon" | NodeJS.Timeout | undefined;
  #lastId = 0;
  #backlogBytes = 0;
  #commits = 0;
  #refusal: ToolariumError | undefined;
  #disposal: Promise<void> | undefined;

  constructor(thread: Worker, identity: string, log: Log) {
    this.#thread = thread;
    this.identity = identity;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    thread.on("message", (message: FromThread) => this.#receive(message));
    thread.on("error", (error) => log.error({ err: error }, "the store's thread failed"));
    thread.once("exit", () => {
      this.#abandon();
      resolve();
    });
    // An idle store keeps no process alive; `call` holds on while something is to be answered.
    thread.unref();
  }

  /** Of the calls that have not been answered. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Why no further call is accepted. */
  get refusal(): ToolariumError | undefined {
    return this.#refusal;
  }

  /** Since the thread was started. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * `bytes`: how much of the backlog this call is. `gather`: it may wait for others, for a moment. Rejects with what
   * the thread refused it for, or `disposed`.
   */
  call<R extends Request>(request: R, bytes = 0, gather = false): Promise<StoreValues[R["op"]]> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    this.#lastId += 1;
    const id = this.#lastId;
    this.#unsent.push({ id, request });
    if (gather) this.#scheduled ??= setTimeout(() => this.#send(), GATHER_MS);
    else this.hurry();
    if (this.#waiting.size === 0) this.#thread.ref();
    this.#backlogBytes += bytes;
    return new Promise((resolve, reject) => {
      // The thread is our own code and answers each request with the value of its kind.
      this.#waiting.set(id, { bytes, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Nothing that was called waits for others any longer. */
  hurry(): void {
    if (this.#unsent.length === 0 || this.#scheduled === "soon") return;
    clearTimeout(this.#scheduled);
    // All calls of one turn go over in one message.
    this.#scheduled = "soon";
    queueMicrotask(() => this.#send());
  }

  /** What was called before is still done. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#refusal ??= new ToolariumError("disposed", "This store has been disposed.");
    this.#thread.ref();
    this.#send();
    this.#post({ type: "close" });
    await this.#ended;
  }

  #send(): void {
    if (this.#scheduled !== "soon") clearTimeout(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#unsent.length === 0) return;
    const envelopes = this.#unsent;
    this.#unsent = [];
    try {
      this.#post({ type: "requests", envelopes });
    } catch {
      // One of them holds a value that cannot be sent: only that one is to fail.
      for (const envelope of envelopes) this.#sendAlone(envelope);
    }
  }

  #sendAlone(envelope: Envelope): void {
    try {
      this.#post({ type: "requests", envelopes: [envelope] });
    } catch {
      const message = "The store can keep only plain JSON values.";
      this.#settle({ id: envelope.id, ok: false, code: "internal_error", message });
    }
  }

  #post(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #receive(message: FromThread): void {
    if (message.type !== "answers") return;
    this.#commits = message.commits;
    for (const answer of message.answers) this.#settle(answer);
    if (this.#waiting.size === 0 && !this.#disposal) this.#thread.unref();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    this.#backlogBytes -= waiting.bytes;
    if (answer.ok) waiting.resolve(answer.value);
    else waiting.reject(new ToolariumError(answer.code, answer.message, optionsOf(answer)));
  }

  /** The thread is gone. After dispose nobody waits any more; otherwise it died, and nothing more can be kept. */
  #abandon(): void {
    this.#refusal ??= new ToolariumError("internal_error", "The store's thread ended unexpectedly.");
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#backlogBytes = 0;
    for (const { reject } of waiting) reject(this.#refusal);
  }
}

function optionsOf({ message, param }: Extract<Answer, { ok: false }>): ToolariumErrorOptions {
  return param === undefined ? {} : { param, errors: [{ pointer: `/${param}`, message }] };
}
