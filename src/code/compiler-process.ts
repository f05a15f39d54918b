/**
 * The compiler from the gateway's side: one long-lived child process that may be stalled or killed by any text it
 * reads. Every request has a deadline, a stalled or dead child is replaced, and requests that were in it beside the
 * culprit are sent once more, alone, so that the next death has one suspect.
 */
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CompileOutcome, CompileRequest, Compiler } from "./compile.ts";
import { type CompilerChild, startCompilerChild } from "./compiler-child.ts";
import type { FromCompiler } from "./compiler-protocol.ts";
import { cacheKey, createOutcomeCache } from "./outcome-cache.ts";

export interface CompilerOptions {
  /** Milliseconds for one text, from the moment the child gets it. Default 1000: honest programs take 1 to 30. */
  readonly deadlineMs?: number;
  readonly log: Log;
}

interface CompilerStats {
  /** Null while no process runs. */
  readonly pid: number | null;
  readonly ready: boolean;
  readonly inFlight: number;
  readonly queued: number;
  /** Processes started since the compiler was made, the first one excluded. */
  readonly restarts: number;
}

export interface CompilerProcess extends Compiler {
  stats(): CompilerStats;
}

/** Texts in the child at once. The parser is one thread; more only lengthens everyone's wait. */
const MAX_IN_FLIGHT = 4;
const MAX_QUEUED = 256;
/** Bytes of text that is looked at at all: the largest program, and prose around it. */
const MAX_TEXT_BYTES = 1024 * 1024;
const START_DEADLINE_MS = 10_000;
/** Starts that fail in a row before those who wait are told. */
const MAX_START_FAILURES = 3;

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
  readonly request: CompileRequest;
  readonly key: string;
  readonly resolve: (outcome: CompileOutcome) => void;
  readonly reject: (reason: unknown) => void;
  /** Whether the child died with this text in it once: then it is sent alone. */
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
  readonly #log: Log;
  readonly #cache = createOutcomeCache();
  readonly #active = new Map<number, Job>();
  readonly #start = Promise.withResolvers<void>();
  #queue: Job[] = [];
  #child: CompilerChild | undefined;
  /** Whether the child takes requests now, and whether it ever did. */
  #ready = false;
  #wasReady = false;
  #startDeadline: NodeJS.Timeout | undefined;
  #startFailures = 0;
  #starts = 0;
  #nextId = 1;
  #disposed = false;

  constructor({ deadlineMs = 1000, log }: CompilerOptions) {
    this.#deadlineMs = deadlineMs;
    this.#log = log;
    this.started = this.#start.promise;
    this.#startChild();
  }

  stats(): CompilerStats {
    return {
      pid: this.#child?.pid ?? null,
      ready: this.#ready,
      inFlight: this.#active.size,
      queued: this.#queue.length,
      restarts: this.#starts - 1,
    };
  }

  async compile(request: CompileRequest, signal?: AbortSignal): Promise<CompileOutcome> {
    signal?.throwIfAborted();
    if (this.#disposed) throw new ToolariumError("disposed");
    if (Buffer.byteLength(request.code) > MAX_TEXT_BYTES) return textTooLarge(request.sourceBytes);
    const key = cacheKey(request);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    if (this.#queue.length >= MAX_QUEUED)
      throw new ToolariumError("queue_full", "Too many programs wait to be compiled. Retry later.", {
        retryAfterSeconds: 1,
      });
    return await this.#enqueue(request, key, signal);
  }

  async #enqueue(
    request: CompileRequest,
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<CompileOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<CompileOutcome>();
    const id = this.#nextId++;
    const job: Job = {
      ...{ id, request, key, resolve, reject },
      ...{ suspect: false, reading: false, abandoned: false, deadline: undefined },
    };
    // A text already in the child stays there, with its deadline: it may be the one that stalls it.
    const onAbort = (): void => {
      job.abandoned = true;
      this.#queue = this.#queue.filter((queued) => queued !== job);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#queue.push(job);
      if (this.#child === undefined) this.#startChild();
      this.#dispatch();
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #dispatch(): void {
    while (this.#ready && this.#child !== undefined) {
      const [next] = this.#queue;
      if (next === undefined || this.#active.size >= MAX_IN_FLIGHT) return;
      const alone = next.suspect || [...this.#active.values()].some(({ suspect }) => suspect);
      if (alone && this.#active.size > 0) return;
      this.#queue.shift();
      this.#active.set(next.id, next);
      next.deadline = setTimeout(() => this.#onDeadline(next), this.#deadlineMs);
      this.#child.send({ id: next.id, request: next.request });
    }
  }

  #onMessage(message: FromCompiler): void {
    if (message.type === "ready") {
      this.#onReady();
      return;
    }
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

  #onReady(): void {
    clearTimeout(this.#startDeadline);
    this.#ready = true;
    this.#wasReady = true;
    this.#startFailures = 0;
    this.#start.resolve();
    this.#dispatch();
  }

  /** A text that holds the child's thread keeps the others waiting; it is the culprit whoever's time runs out first. */
  #onDeadline(expired: Job): void {
    const culprit = [...this.#active.values()].find(({ reading }) => reading) ?? expired;
    this.#log.warn(
      { deadlineMs: this.#deadlineMs },
      "a program did not compile in time; the compiler is replaced",
    );
    this.#settle(culprit, {
      ok: false,
      code: "compile_timeout",
      message: `The program did not compile within ${this.#deadlineMs} ms.`,
      hint: "Write it simpler: less nesting, plainer types.",
      diagnostics: [],
    });
    // A second expiry must not kill the replacement.
    for (const job of this.#active.values()) clearTimeout(job.deadline);
    this.#ready = false;
    this.#child?.kill();
  }

  #settle(job: Job, outcome: CompileOutcome): void {
    clearTimeout(job.deadline);
    this.#active.delete(job.id);
    job.resolve(outcome);
  }

  #startChild(): void {
    this.#starts += 1;
    this.#wasReady = false;
    const child = startCompilerChild({
      onMessage: (message) => {
        if (this.#child === child) this.#onMessage(message);
      },
      onExit: ({ reason, stderrTail }) => this.#onExit(reason, stderrTail),
    });
    this.#child = child;
    this.#startDeadline = setTimeout(() => child.kill(), START_DEADLINE_MS);
  }

  #onExit(reason: string, stderrTail: string): void {
    clearTimeout(this.#startDeadline);
    this.#ready = false;
    this.#child = undefined;
    if (this.#disposed) return;
    this.#log.warn({ reason, stderr: stderrTail }, "the compiler process ended");
    this.#requeueActive(reason);
    if (!this.#wasReady) this.#startFailures += 1;
    if (this.#startFailures < MAX_START_FAILURES) this.#startChild();
    else this.#giveUp();
  }

  /** Those who were in the dead child go first, each alone; who has been through this before is the cause. */
  #requeueActive(reason: string): void {
    const interrupted = [...this.#active.values()];
    this.#active.clear();
    for (const job of interrupted) {
      clearTimeout(job.deadline);
      job.reading = false;
      if (!job.suspect) continue;
      this.#log.error({ reason }, "the compiler died twice on the same program");
      job.resolve({
        ok: false,
        code: "internal_error",
        message: "The compiler failed on this program.",
        diagnostics: [],
      });
    }
    const innocent = interrupted.filter(({ suspect, abandoned }) => !suspect && !abandoned);
    for (const job of innocent) job.suspect = true;
    this.#queue = [...innocent, ...this.#queue];
  }

  /** The next request tries again. */
  #giveUp(): void {
    this.#startFailures = 0;
    const refusal = new ToolariumError(
      "not_ready",
      "The compiler process does not start. The log has the details.",
    );
    this.#start.reject(refusal);
    for (const job of this.#queue.splice(0)) job.reject(refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#startDeadline);
    const refusal = new ToolariumError("disposed");
    this.#start.reject(refusal);
    for (const job of [...this.#active.values(), ...this.#queue.splice(0)]) {
      clearTimeout(job.deadline);
      job.reject(refusal);
    }
    this.#active.clear();
    const child = this.#child;
    child?.kill();
    await child?.exited;
  }
}

function textTooLarge(sourceBytes: number): CompileOutcome {
  const message = `The text is over ${MAX_TEXT_BYTES} bytes; a program may have ${sourceBytes}.`;
  return { ok: false, code: "source_too_large", message, line: 1, column: 1, diagnostics: [] };
}
