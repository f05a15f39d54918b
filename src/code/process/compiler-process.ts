/**
 * The compiler from the gateway's side: a child process that any text may stall or kill. Every request has a limit of
 * CPU time, the group of processes a limit of memory. A process that exceeds one is replaced by a warm one. The other
 * requests in it are sent once more, each alone, so that a second death has only one suspect. Queued requests are
 * served in turns of their principals.
 */
import { ToolariumError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { startCompileClock } from "../check/compile-clock.ts";
import { groupCpuMs } from "../check/group-usage.ts";
import type { CompileOutcome, CompileRequest, Compiler, Sender } from "../compile.ts";
import type { CompilerEnd } from "./compiler-child.ts";
import { createJob, findDeclarations, type Job, toMessage } from "./compiler-job.ts";
import { CompilerLine } from "./compiler-line.ts";
import { type CompilerLimits, type CompilerOptions, resolveCompilerLimits } from "./compiler-options.ts";
import type { FromCompiler } from "./compiler-protocol.ts";
import { CompilerSupply } from "./compiler-supply.ts";
import { died, textTooLarge, tookTooLong, tookTooMuchMemory } from "./compiler-verdicts.ts";
import { cacheKey, createOutcomeCache } from "./outcome-cache.ts";

interface CompilerStats {
  /** Null while no process is in service. */
  readonly pid: number | null;
  /** Null while no other process is warm. */
  readonly sparePid: number | null;
  readonly inFlight: number;
  readonly queued: number;
  /** The number of times that the process in service was replaced. */
  readonly replacements: number;
}

export interface CompilerProcess extends Compiler {
  stats(): CompilerStats;
}

/** Largest text in bytes: the largest program, and prose around it. Longer ones are refused unread. */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * Starts the process and waits until it has compiled a first program. Rejects with `not_ready` when it does not start.
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

class ChildCompiler implements CompilerProcess {
  readonly started: Promise<void>;
  readonly #limits: CompilerLimits;
  readonly #log: Log;
  readonly #cache = createOutcomeCache();
  readonly #supply: CompilerSupply;
  readonly #active = new Map<number, Job>();
  readonly #line = new CompilerLine<Job>();
  readonly #start = Promise.withResolvers<void>();
  #nextId = 1;
  #disposed = false;

  constructor(options: CompilerOptions) {
    this.#limits = resolveCompilerLimits(options);
    this.#log = options.log;
    this.started = this.#start.promise;
    this.#supply = new CompilerSupply(
      { ...this.#limits, log: options.log },
      {
        onReady: () => {
          this.#start.resolve();
          this.#dispatch();
        },
        onMessage: (message) => this.#onMessage(message),
        onLost: (end) => this.#onLost(end),
        onGaveUp: (reason) => this.#onGaveUp(reason),
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
    if (Buffer.byteLength(request.code) > MAX_TEXT_BYTES)
      return textTooLarge(MAX_TEXT_BYTES, request.sourceBytes);
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
    const job = createJob({ id: this.#nextId++, owner, request, key, resolve, reject });
    // A text already in the process stays there with its deadline: it may be the one that stalls the process.
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
    this.#giveTime(job, this.#limits.deadlineMs, { checker: false });
    this.#supply.serving?.send(toMessage(job, this.#line.isBusy));
  }

  #giveTime(job: Job, cpuLimitMs: number, counted: { readonly checker: boolean }): void {
    const pid = this.#supply.serving?.pid;
    job.clock?.stop();
    job.clock = startCompileClock({
      cpuLimitMs,
      stallMs: this.#limits.stallMs,
      readCpuMs: () => (pid === undefined ? undefined : groupCpuMs(pid, counted)),
      onUsedUp: () => this.#onUsedUp(job, cpuLimitMs),
      onStalled: () => this.#onStalled(job),
    });
  }

  #sendDeclarations(hash: string): void {
    const declarations = findDeclarations([...this.#active.values()], hash);
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
        job.checking = true;
        this.#giveTime(job, this.#limits.checkMs, { checker: true });
        return;
      case "done":
        if (message.lasting) this.#cache.set(job.key, message.outcome);
        this.#settle(job, message.outcome);
        this.#dispatch();
    }
  }

  /**
   * A text that occupies the process's thread delays the others: it is the culprit, even if another's time runs out
   * first.
   */
  #onUsedUp(expired: Job, cpuLimitMs: number): void {
    const culprit = [...this.#active.values()].find(({ reading }) => reading) ?? expired;
    this.#log.warn({ cpuLimitMs }, "a program did not compile in time; the compiler is replaced");
    this.#settle(culprit, tookTooLong(cpuLimitMs));
    this.#replace("the limit of CPU time");
  }

  /** The machine gives it no CPU time, or the process is stuck: another process tries once more. */
  #onStalled(stalled: Job): void {
    this.#log.error({ stallMs: this.#limits.stallMs }, "the compiler gets no CPU time; it is replaced");
    if (stalled.suspect) {
      this.#active.delete(stalled.id);
      stalled.reject(
        new ToolariumError("not_ready", "The compiler gets no CPU time on this machine. Retry later."),
      );
    }
    this.#replace("a compiler that stood still");
  }

  #replace(reason: string): void {
    this.#suspectActive(reason);
    this.#supply.replace();
    this.#dispatch();
  }

  #onLost({ cause, reason }: CompilerEnd): void {
    const [only, ...others] = [...this.#active.values()];
    if (cause === "memory" && only !== undefined && others.length === 0) {
      // The checker has a limit of its own, below this one, but is looked at less often. What it cannot check runs.
      if (only.checking && !only.isTooMuchToCheck) {
        only.isTooMuchToCheck = true;
        only.suspect = false;
      } else this.#settle(only, tookTooMuchMemory(this.#limits.memoryBytes));
    }
    this.#suspectActive(reason);
    this.#dispatch();
  }

  #settle(job: Job, outcome: CompileOutcome): void {
    job.clock?.stop();
    this.#active.delete(job.id);
    job.resolve(outcome);
  }

  /** The texts of the dead process go first, each alone. A text that was alone in it is the cause. */
  #suspectActive(reason: string): void {
    const interrupted = [...this.#active.values()];
    this.#active.clear();
    for (const job of interrupted) {
      job.clock?.stop();
      job.reading = false;
      job.checking = false;
      if (!job.suspect) continue;
      this.#log.error({ reason }, "the compiler died twice on the same program");
      job.resolve(died);
    }
    const innocent = interrupted.filter(({ suspect, abandoned }) => !suspect && !abandoned);
    this.#line.pushSuspects(innocent);
  }

  /** Nothing is in service until the next request tries again. */
  #onGaveUp(reason: string): void {
    const refusal = new ToolariumError(
      "not_ready",
      "The compiler process does not start. The log has the details.",
    );
    // The operator gets the reason; clients do not.
    this.#start.reject(new ToolariumError("not_ready", `The compiler process does not start: ${reason}.`));
    for (const job of this.#line.takeAll()) job.reject(refusal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const refusal = new ToolariumError("disposed");
    this.#start.reject(refusal);
    for (const job of [...this.#active.values(), ...this.#line.takeAll()]) {
      job.clock?.stop();
      job.reject(refusal);
    }
    this.#active.clear();
    await this.#supply[Symbol.asyncDispose]();
  }
}
