/**
 * The compiler from the gateway's side: a child process that may be stalled or killed by any text it reads. Every
 * request has a deadline, the group of processes a limit of memory; a process that breaks one is replaced by a warm
 * one, and requests that were in it beside the culprit are sent once more, alone, so that the next death has one
 * suspect. Those who wait are served in turns of their principals.
 */
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { TypesByHash } from "./check-program.ts";
import { type CheckLimits, defaultCheckLimits } from "./check-service.ts";
import type { CompileOutcome, CompileRequest, Compiler, Sender, TypeCheck } from "./compile.ts";
import type { CompilerEnd } from "./compiler-child.ts";
import { CompilerLine, type Waiting } from "./compiler-line.ts";
import type { FromCompiler } from "./compiler-protocol.ts";
import { CompilerSupply } from "./compiler-supply.ts";
import { died, tookTooLong, tookTooMuchMemory } from "./compiler-verdicts.ts";
import { cacheKey, createOutcomeCache } from "./outcome-cache.ts";

export interface CompilerOptions {
  /**
   * Milliseconds for one text, from the moment the child gets it, until only its type check is left. Default 1000:
   * honest programs take 1 to 30.
   */
  readonly deadlineMs?: number;
  /** Bytes the process and its own children may hold together. Default 500 MB: at rest they hold about 180. */
  readonly memoryBytes?: number;
  /** Milliseconds from the readiness of the first process to the start of its spare. Default 2 000: a gateway has started by then. */
  readonly spareAfterMs?: number;
  readonly check?: Partial<CheckLimits>;
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

/** What the check may take beyond its own deadline: a second try, after another program's check was stopped. */
const CHECK_SLACK_MS = 3000;
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

interface Job extends Waiting {
  readonly id: number;
  readonly request: CompileRequest;
  readonly key: string;
  readonly resolve: (outcome: CompileOutcome) => void;
  readonly reject: (reason: unknown) => void;
  /** Whether the child's only thread is busy with this text. */
  reading: boolean;
  /** Whether nobody waits for it any more. */
  abandoned: boolean;
  deadline: NodeJS.Timeout | undefined;
}

class ChildCompiler implements CompilerProcess {
  readonly started: Promise<void>;
  readonly #deadlineMs: number;
  readonly #checkMs: number;
  readonly #memoryBytes: number;
  readonly #log: Log;
  readonly #cache = createOutcomeCache();
  readonly #supply: CompilerSupply;
  readonly #active = new Map<number, Job>();
  readonly #line = new CompilerLine<Job>();
  readonly #start = Promise.withResolvers<void>();
  #nextId = 1;
  #disposed = false;

  constructor(options: CompilerOptions) {
    const { deadlineMs = 1000, memoryBytes = 500 * 1024 * 1024, spareAfterMs = 2_000, log } = options;
    const check = { ...defaultCheckLimits, ...options.check };
    this.#deadlineMs = deadlineMs;
    this.#checkMs = 2 * check.deadlineMs + CHECK_SLACK_MS;
    this.#memoryBytes = memoryBytes;
    this.#log = log;
    this.started = this.#start.promise;
    this.#supply = new CompilerSupply(
      { memoryBytes, check, spareAfterMs, log },
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
      queued: this.#line.size,
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
    if (!this.#line.hasRoomFor(owner))
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
      this.#line.remove(job);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#line.push(job);
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

  #next(): Job | undefined {
    return this.#supply.serving && this.#line.next([...this.#active.values()]);
  }

  #send(job: Job): void {
    this.#active.set(job.id, job);
    this.#giveTime(job, this.#deadlineMs);
    const { check, ...request } = job.request;
    this.#supply.serving?.send({
      type: "compile",
      id: job.id,
      request: {
        ...request,
        check:
          check === null
            ? { mode: "off" }
            : { mode: check.mode, types: this.#line.isBusy ? null : hashesOf(check) },
      },
    });
  }

  #giveTime(job: Job, ms: number): void {
    clearTimeout(job.deadline);
    job.deadline = setTimeout(() => this.#onDeadline(job, ms), ms);
  }

  #sendDeclarations(hash: string): void {
    const all = [...this.#active.values()].flatMap(({ request: { check } }) => [
      check?.declarations,
      check?.promised,
    ]);
    const declarations = all.find((each) => each?.hash === hash);
    if (declarations) this.#supply.serving?.send({ type: "declarations", ...declarations });
  }

  #onMessage(message: Exclude<FromCompiler, { type: "ready" }>): void {
    if (message.type === "needs") {
      this.#sendDeclarations(message.hash);
      return;
    }
    if (message.type === "checker-down") {
      this.#log.error(
        { reason: message.reason },
        "programs are not type-checked: the checker does not start",
      );
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
      case "emitted":
        this.#giveTime(job, this.#checkMs);
        return;
      case "done":
        if (message.lasting) this.#cache.set(job.key, message.outcome);
        this.#settle(job, message.outcome);
        this.#dispatch();
    }
  }

  /** A text that holds the child's thread keeps the others waiting; it is the culprit whoever's time runs out first. */
  #onDeadline(expired: Job, deadlineMs: number): void {
    const culprit = [...this.#active.values()].find(({ reading }) => reading) ?? expired;
    this.#log.warn({ deadlineMs }, "a program did not compile in time; the compiler is replaced");
    this.#settle(culprit, tookTooLong(deadlineMs));
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
    this.#line.pushSuspects(innocent);
  }

  /** The next request tries again. */
  #onGaveUp(): void {
    const refusal = new ToolariumError(
      "not_ready",
      "The compiler process does not start. The log has the details.",
    );
    this.#start.reject(refusal);
    for (const job of this.#line.takeAll()) job.reject(refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const refusal = new ToolariumError("disposed");
    this.#start.reject(refusal);
    for (const job of [...this.#active.values(), ...this.#line.takeAll()]) {
      clearTimeout(job.deadline);
      job.reject(refusal);
    }
    this.#active.clear();
    await this.#supply[Symbol.asyncDispose]();
  }
}

function hashesOf({ declarations, promised }: TypeCheck): TypesByHash {
  return { all: declarations.hash, promised: promised?.hash ?? null };
}

function textTooLarge(sourceBytes: number): CompileOutcome {
  const message = `The text is over ${MAX_TEXT_BYTES} bytes; a program may have ${sourceBytes}.`;
  return { ok: false, code: "source_too_large", message, line: 1, column: 1, diagnostics: [] };
}
