/**
 * This side of the store's thread: sends requests there, in order, and returns the answers.
 *
 * A write that the disk refuses stops the writes of runs: none is sent until a trial has succeeded, so that a disk
 * which fails now and then does not leave gaps. A thread that ends by a fault is started again. Meanwhile reads are
 * served as far as possible.
 */
import type { Worker } from "node:worker_threads";
import { ToolariumError, type ToolariumErrorOptions } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Kept } from "../quota.ts";
import {
  type Answer,
  type Envelope,
  type FromThread,
  type StoreThreadOptions,
  type StoreValues,
  type ToThread,
  writeOps,
} from "./file/thread-protocol.ts";
import { type StartedWorker, startStoreWorker } from "./store-worker.ts";

type Request = Envelope["request"];
type Started = StartedWorker & { readonly ok: true };

interface Waiting {
  readonly op: Request["op"];
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface StoreThreadDeps {
  readonly log: Log;
  /** Called with how much is kept. */
  readonly note: (kept: Kept) => void;
}

/** Rejects with `config_error` when the thread cannot use the file. */
export async function startStoreThread(
  options: StoreThreadOptions,
  deps: StoreThreadDeps,
): Promise<StoreThread> {
  const started = await startStoreWorker(options);
  if (!started.ok) throw new ToolariumError(started.refused.code, started.refused.message);
  return new StoreThread(options, started, deps);
}

/**
 * How long a write that no caller waits for may wait for others to share its commit, in milliseconds: longer than a
 * program with ten fast calls takes, so that the store's thread works after the program and not beside it.
 */
const GATHER_MS = 10;
/** Milliseconds between two trials whether a hindered store can be written again. */
const TRIAL_EVERY_MS = 500;

/** Writes that belong to a run. Other writes may be tried at any time: removing old runs may be what helps. */
const runOps: ReadonlySet<Request["op"]> = new Set<Request["op"]>(["createRun", "append", "putSnapshot"]);

export class StoreThread implements AsyncDisposable {
  /** Of the database. */
  readonly identity: string;
  readonly #options: StoreThreadOptions;
  readonly #deps: StoreThreadDeps;
  #worker: Worker | undefined;
  readonly #ended = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<() => void>();
  #unsent: Envelope[] = [];
  #scheduled: "soon" | NodeJS.Timeout | undefined;
  #lastId = 0;
  #backlogBytes = 0;
  #commits = 0;
  #hindrance: ToolariumError | undefined;
  #damage: string | undefined;
  #trial: NodeJS.Timeout | undefined;
  #disposal: Promise<void> | undefined;

  constructor(options: StoreThreadOptions, { worker, first }: Started, deps: StoreThreadDeps) {
    this.#options = options;
    this.#deps = deps;
    this.identity = first.identity;
    deps.note(first.kept);
    this.#adopt(worker);
    if (first.lost > 0) this.#noteDamage(lostInRedoLog(first.lost));
  }

  /** Bytes of the calls that have not been answered. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Why writes of runs are refused now: `store_unavailable`, or `disposed`. */
  get hindrance(): ToolariumError | undefined {
    return this.#disposal === undefined ? this.#hindrance : DISPOSED();
  }

  /** What could not be read since the store was opened. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Since the store was opened. */
  get commits(): number {
    return this.#commits;
  }

  /** See `Store.onRevived`. Listeners are called in the order in which they came. */
  onRevived(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Notes damage for a row that was read and is not one of ours. */
  noteDamage(error: unknown): void {
    if (error instanceof ToolariumError && error.code === "store_damaged") this.#noteDamage(error.message);
  }

  /**
   * `bytes`: this call's share of the backlog. `gather`: it may wait a moment for others. Rejects with the thread's
   * refusal, `store_unavailable` or `disposed`.
   */
  call<R extends Request>(request: R, bytes = 0, gather = false): Promise<StoreValues[R["op"]]> {
    const { hindrance } = this;
    const isTaken = this.#disposal === undefined && this.#worker !== undefined && !runOps.has(request.op);
    if (hindrance !== undefined && !isTaken) return Promise.reject(hindrance);
    this.#lastId += 1;
    const id = this.#lastId;
    this.#unsent.push({ id, request });
    if (gather) this.#scheduled ??= setTimeout(() => this.#send(), GATHER_MS);
    else this.hurry();
    if (this.#waiting.size === 0) this.#worker?.ref();
    this.#backlogBytes += bytes;
    return new Promise((resolve, reject) => {
      // The thread is our own code and answers each request with the value of its kind.
      this.#waiting.set(id, { op: request.op, bytes, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Sends all calls now; none waits for others any longer. */
  hurry(): void {
    if (this.#unsent.length === 0 || this.#scheduled === "soon") return;
    clearTimeout(this.#scheduled);
    // All calls of one turn of the event loop are sent in one message.
    this.#scheduled = "soon";
    queueMicrotask(() => this.#send());
  }

  /** Completes the calls made before. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    clearTimeout(this.#trial);
    if (this.#worker === undefined) return;
    this.#worker.ref();
    this.#send();
    this.#post({ type: "close" });
    await this.#ended.promise;
  }

  #adopt(worker: Worker): void {
    this.#worker = worker;
    worker.on("message", (message: FromThread) => this.#receive(message));
    worker.on("error", (error) => this.#deps.log.error({ err: error }, "the store's thread failed"));
    worker.once("exit", () => this.#abandon());
    // An idle store does not keep the process alive; `call` refs the thread while an answer is due.
    worker.unref();
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
      // One of them holds a value that cannot be sent: only that one should fail.
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
    this.#worker?.postMessage(message);
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case "answers":
        this.#commits = message.commits;
        this.#deps.note(message.kept);
        for (const answer of message.answers) this.#settle(answer);
        break;
      case "revived":
        if (message.reason === null) this.#revived(message.kept);
        else this.#hinder(message.reason);
        break;
    }
    if (this.#waiting.size === 0 && !this.#disposal) this.#worker?.unref();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    this.#backlogBytes -= waiting.bytes;
    if (answer.ok) {
      waiting.resolve(answer.value);
      return;
    }
    const { code, message } = answer;
    if (code === "store_damaged") this.#noteDamage(message);
    // When not even a new run can be written, the damage hinders every run.
    const isEverybodys =
      code === "store_unavailable" || (code === "store_damaged" && waiting.op === "createRun");
    if (isEverybodys && writeOps.has(waiting.op)) this.#hinder(message);
    waiting.reject(new ToolariumError(code, message, optionsOf(answer)));
  }

  #hinder(reason: string): void {
    if (this.#hindrance?.message !== reason) this.#deps.log.error({ reason }, "the store cannot be written");
    this.#hindrance = new ToolariumError("store_unavailable", reason, { retryAfterSeconds: 1 });
    if (this.#disposal !== undefined) return;
    clearTimeout(this.#trial);
    this.#trial = setTimeout(() => void this.#try(), TRIAL_EVERY_MS).unref();
  }

  async #try(): Promise<void> {
    if (this.#worker !== undefined) return this.#post({ type: "revive" });
    try {
      const started = await startStoreWorker(this.#options);
      if (!started.ok) return this.#hinder(started.refused.message);
      const { worker, first } = started;
      if (this.#disposal !== undefined || first.identity !== this.identity) {
        await worker.terminate();
        return this.#hinder("Another database is at the store's path. Restart the gateway to begin with it.");
      }
      this.#adopt(worker);
      if (first.lost > 0) this.#noteDamage(lostInRedoLog(first.lost));
      this.#revived(first.kept);
    } catch (error) {
      this.#deps.log.error({ err: error }, "the store's thread could not be started again");
      this.#hinder(ENDED);
    }
  }

  #revived(kept: Kept): void {
    if (this.#hindrance === undefined) return;
    this.#hindrance = undefined;
    this.#deps.note(kept);
    this.#deps.log.warn({}, "the store can be written again");
    for (const listener of [...this.#listeners]) listener();
  }

  #noteDamage(damage: string): void {
    if (this.#damage === undefined) this.#deps.log.error({ damage }, "the store is damaged");
    this.#damage ??= damage;
  }

  /** The thread is gone: after dispose nobody waits for it, otherwise it died. */
  #abandon(): void {
    this.#worker = undefined;
    this.#ended.resolve();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#unsent = [];
    this.#backlogBytes = 0;
    if (this.#disposal === undefined) this.#hinder(ENDED);
    const { hindrance } = this;
    for (const { reject } of waiting) reject(hindrance);
  }
}

const ENDED = "The store's thread ended unexpectedly, and is started again.";

const DISPOSED = (): ToolariumError => new ToolariumError("disposed", "This store has been disposed.");

function lostInRedoLog(count: number): string {
  return `The redo log held ${count} damaged writes of an earlier process. A copy is beside it, with "-damaged" behind its name.`;
}

function optionsOf({ message, param }: Extract<Answer, { ok: false }>): ToolariumErrorOptions {
  return param === undefined ? {} : { param, errors: [{ pointer: `/${param}`, message }] };
}
