/**
 * The compiler from the gateway's side: a child process that may be stalled or killed by any text it reads. Every
 * request has a deadline, the group of processes a limit of memory; a process that breaks one is replaced by a warm
 * one, and requests that were in it beside the culprit are sent once more, alone, so that the next death has one
 * suspect. Those who wait are served in turns of their principals.
 */
import { FairQueue } from "../../sandbox/index.ts";
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CompileOutcome, CompileRequest, Compiler, Sender } from "./compile.ts";
import type { CompilerEnd } from "./compiler-child.ts";
import type { FromCompiler } from "./compiler-protocol.ts";
import { CompilerSupply } from "./compiler-supply.ts";
import { died, tookTooLong, tookTooMuchMemory } from "./compiler-verdicts.ts";
import { cacheKey, createOutcomeCache } from "./outcome-cache.ts";

export interface CompilerOptions {
  /** Milliseconds for one text, from the moment the child gets it. Default 1000: honest programs take 1 to 30. */
  readonly deadlineMs?: number;
  /** Bytes the process and its own children may hold together. Default 500 MB: at rest they hold about 150. */
  readonly memoryBytes?: number;
  /** Milliseconds from the first process's readiness to the start of its spare. Default 500. */
  readonly spareAfterMs?: number;
  readonly log: Log;
}

interface CompilerStats {
  /** Null while no process is in service. */
  readonly pid: number | null;
  /** Null while no other process is warm. */
  readonly sparePid: number | null;
  readonly inFlight: number;
  readonly queued: number;
  /** How often the process in service had to be replaced. */
  readonly replacements: number;
}

export interface CompilerProcess extends Compiler {
  stats(): CompilerStats;
}

/** Texts in the child at once. The parser is one thread; more only lengthens everyone's wait. */
const MAX_IN_FLIGHT = 4;
/** The same of one principal: two keep two cores busy, and whoever sends texts that stall leaves room for others. */
const MAX_IN_FLIGHT_EACH = 2;
const MAX_QUEUED = 256;
/** A queue that is full takes so many of each principal all the same: whoever filled it, the others get in. */
const ALWAYS_QUEUED_EACH = 8;
/** Bytes of text that is looked at at all: the largest program, and prose around it. */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * Starts the process and waits until it has compiled a first program. Rejects with `not_ready` when it does not
 * start.
 */
export async function createCompiler(options: CompilerOptions): Promise<CompilerProcess> {
  const compiler = new ChildCompiler(options);
  try {
    await compiler.started;
    return compiler;
  } catch (error) {
    await compiler[Symbol.asyncDispose]();
    throw error;
  }
}

interface Job {
  readonly id: number;
  readonly owner: string;
  readonly request: CompileRequest;
  readonly key: string;
  readonly resolve: (outcome: CompileOutcome) => void;
  readonly reject: (reason: unknown) => void;
  /** Whether a child died with this text in it once: then it is sent alone. */
  suspect: boolean;
  /** Whether the child's only thread is busy with this text. */
  reading: boolean;
  /** Whether nobody waits for it any more. */
  abandoned: boolean;
  deadline: NodeJS.Timeout | undefined;
}

class ChildCompiler implements CompilerProcess {
  readonly started: Promise<void>;
  readonly #deadlineMs: number;
  readonly #memoryBytes: number;
  readonly #log: Log;
  readonly #cache = createOutcomeCache();
  readonly #supply: CompilerSupply;
  readonly #active = new Map<number, Job>();
  readonly #queue = new FairQueue<Job>(MAX_QUEUED);
  readonly #start = Promise.withResolvers<void>();
  /** They were in a child that died, and go before everybody else. */
  #suspects: readonly Job[] = [];
  #nextId = 1;
  #disposed = false;

  constructor(options: CompilerOptions) {
    const { deadlineMs = 1000, memoryBytes = 500 * 1024 * 1024, spareAfterMs = 500, log } = options;
    this.#deadlineMs = deadlineMs;
    this.#memoryBytes = memoryBytes;
    this.#log = log;
    this.started = this.#start.promise;
    this.#supply = new CompilerSupply(
      { memoryBytes, spareAfterMs, log },
      {
        onReady: () => {
          this.#start.resolve();
          this.#dispatch();
        },
        onMessage: (message) => this.#onMessage(message),
        onLost: (end) => this.#onLost(end),
        onGaveUp: () => this.#onGaveUp(),
      },
    );
    this.#supply.ensure();
  }

  stats(): CompilerStats {
    const { serving, spare, replacements } = this.#supply;
    return {
      pid: serving?.pid ?? null,
      sparePid: spare?.pid ?? null,
      inFlight: this.#active.size,
      queued: this.#queue.size + this.#suspects.length,
      replacements,
    };
  }

  async compile(request: CompileRequest, { principal, signal }: Sender): Promise<CompileOutcome> {
    signal?.throwIfAborted();
    if (this.#disposed) throw new ToolariumError("disposed");
    if (Buffer.byteLength(request.code) > MAX_TEXT_BYTES) return textTooLarge(request.sourceBytes);
    const key = cacheKey(request);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const owner = principal ?? "";
    if (this.#queue.full && this.#queue.sizeOf(owner) >= ALWAYS_QUEUED_EACH)
      throw new ToolariumError("queue_full", "Too many programs wait to be compiled. Retry later.", {
        retryAfterSeconds: 1,
      });
    return await this.#enqueue(request, key, owner, signal);
  }

  async #enqueue(
    request: CompileRequest,
    key: string,
    owner: string,
    signal: AbortSignal | undefined,
  ): Promise<CompileOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<CompileOutcome>();
    const id = this.#nextId++;
    const job: Job = {
      ...{ id, owner, request, key, resolve, reject },
      ...{ suspect: false, reading: false, abandoned: false, deadline: undefined },
    };
    // A text already in the child stays there, with its deadline: it may be the one that stalls it.
    const onAbort = (): void => {
      job.abandoned = true;
      this.#queue.remove(owner, job);
      this.#suspects = this.#suspects.filter((suspect) => suspect !== job);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#queue.push(owner, job);
      this.#supply.ensure();
      this.#dispatch();
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #dispatch(): void {
    for (let job = this.#next(); job !== undefined; job = this.#next()) this.#send(job);
    this.#supply.serving?.watchMemory(this.#active.size > 0);
  }

  /** Who may be sent now. Nothing is while a suspect is in the child or waits for it to be empty. */
  #next(): Job | undefined {
    if (this.#supply.serving === undefined) return undefined;
    const active = [...this.#active.values()];
    if (active.some(({ suspect }) => suspect)) return undefined;
    const [suspect, ...others] = this.#suspects;
    if (suspect !== undefined) {
      if (active.length > 0) return undefined;
      this.#suspects = others;
      return suspect;
    }
    if (active.length >= MAX_IN_FLIGHT) return undefined;
    const hasRoom = ({ owner }: Job): boolean =>
      active.filter((job) => job.owner === owner).length < MAX_IN_FLIGHT_EACH;
    return this.#queue.takeFirst((job) => (hasRoom(job) ? true : undefined))?.item;
  }

  #send(job: Job): void {
    this.#active.set(job.id, job);
    job.deadline = setTimeout(() => this.#onDeadline(job), this.#deadlineMs);
    this.#supply.serving?.send({ id: job.id, request: job.request });
  }

  #onMessage(message: Exclude<FromCompiler, { type: "ready" }>): void {
    const job = this.#active.get(message.id);
    if (job === undefined) return;
    switch (message.type) {
      case "reading":
        job.reading = true;
        return;
      case "read":
        job.reading = false;
        return;
      case "done":
        this.#cache.set(job.key, message.outcome);
        this.#settle(job, message.outcome);
        this.#dispatch();
    }
  }

  /** A text that holds the child's thread keeps the others waiting; it is the culprit whoever's time runs out first. */
  #onDeadline(expired: Job): void {
    const culprit = [...this.#active.values()].find(({ reading }) => reading) ?? expired;
    this.#log.warn(
      { deadlineMs: this.#deadlineMs },
      "a program did not compile in time; the compiler is replaced",
    );
    this.#settle(culprit, tookTooLong(this.#deadlineMs));
    this.#suspectActive("the deadline");
    this.#supply.replace();
    this.#dispatch();
  }

  #onLost({ cause, reason }: CompilerEnd): void {
    const [only, ...others] = [...this.#active.values()];
    if (cause === "memory" && only !== undefined && others.length === 0)
      this.#settle(only, tookTooMuchMemory(this.#memoryBytes));
    this.#suspectActive(reason);
    this.#dispatch();
  }

  #settle(job: Job, outcome: CompileOutcome): void {
    clearTimeout(job.deadline);
    this.#active.delete(job.id);
    job.resolve(outcome);
  }

  /** Those who were in the dead child go first, each alone; who has been through this before is the cause. */
  #suspectActive(reason: string): void {
    const interrupted = [...this.#active.values()];
    this.#active.clear();
    for (const job of interrupted) {
      clearTimeout(job.deadline);
      job.reading = false;
      if (!job.suspect) continue;
      this.#log.error({ reason }, "the compiler died twice on the same program");
      job.resolve(died);
    }
    const innocent = interrupted.filter(({ suspect, abandoned }) => !suspect && !abandoned);
    for (const job of innocent) job.suspect = true;
    this.#suspects = [...this.#suspects, ...innocent];
  }

  /** The next request tries again. */
  #onGaveUp(): void {
    const refusal = new ToolariumError(
      "not_ready",
      "The compiler process does not start. The log has the details.",
    );
    this.#start.reject(refusal);
    for (const job of this.#takeWaiting()) job.reject(refusal);
  }

  #takeWaiting(): readonly Job[] {
    const waiting = [...this.#suspects, ...this.#queue.drain()];
    this.#suspects = [];
    return waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const refusal = new ToolariumError("disposed");
    this.#start.reject(refusal);
    for (const job of [...this.#active.values(), ...this.#takeWaiting()]) {
      clearTimeout(job.deadline);
      job.reject(refusal);
    }
    this.#active.clear();
    await this.#supply[Symbol.asyncDispose]();
  }
}

function textTooLarge(sourceBytes: number): CompileOutcome {
  const message = `The text is over ${MAX_TEXT_BYTES} bytes; a program may have ${sourceBytes}.`;
  return { ok: false, code: "source_too_large", message, line: 1, column: 1, diagnostics: [] };
}
