/** One worker and its runs: hands out leases, sorts messages to them, and assigns blame when the worker dies. */
import type { FromWorker, LeaseId } from "../protocol.ts";
import type { Session } from "../session/session.ts";
import type { WorkerDeath, WorkerProcess } from "./worker-process.ts";

/**
 * Milliseconds after which a stop that is not confirmed ends the worker. A builtin that cannot be interrupted outlives
 * its isolate, and only SIGKILL ends it. A worker whose program `ended` by itself is merely slow to confirm, on a busy
 * machine, and killing it would harm its other runs.
 */
const STOP_GRACE_MS = { stopped: 200, ended: 5_000 };
/** Memory outside the heap counts too: a worker may grow by this multiple of its runs' limits. */
const MEMORY_FACTOR = 3;
const MIB = 1024 * 1024;

/** How a run left. `unclean`: after a limit or a fault, when the process should not serve other runs any more. */
export type Departure = "clean" | "unclean";

/** Endings that the program itself reached. */
const endings: readonly string[] = ["guest_error", "not_serializable", "result_too_large", "pending_forever"];
const cleanFailures: readonly string[] = [...endings, "too_many_calls", "cancelled"];

let lastLease = 0;

export class Seat {
  readonly process: WorkerProcess;
  /** The principal it serves, for its whole life; null until its first run. */
  principal: string | null = null;
  /** Takes no new runs. */
  closed = false;
  served = 0;
  /** Characters of the texts that its worker was sent. */
  writtenChars = 0;
  readonly #isolation: "principal" | "run";
  readonly #sessions = new Map<LeaseId, Session>();
  readonly #stopping = new Map<LeaseId, () => void>();
  #offender: Session | undefined;
  #dead = false;

  constructor(process: WorkerProcess, isolation: "principal" | "run") {
    this.process = process;
    this.#isolation = isolation;
  }

  get load(): number {
    return this.#sessions.size + this.#stopping.size;
  }

  /**
   * Runs the session here. Resolves when the session has ended and its isolate is gone; never if the worker died first.
   */
  async take(session: Session): Promise<Departure> {
    lastLease += 1;
    const lease = lastLease;
    const { principal } = session.run;
    this.principal = principal ?? this.principal;
    this.closed ||= session.solo || (this.#isolation === "run" && principal !== null);
    this.served += 1;
    this.#sessions.set(lease, session);
    this.#watchMemory();
    session.attach({
      lease,
      send: (message) => {
        this.process.send(message);
        if ("text" in message) this.writtenChars += message.text.length;
      },
      violate: (reason) => {
        this.#offender = session;
        this.process.kill(`protocol violation: ${reason}`);
      },
    });
    const outcome = await session.done;
    const wasStopped = outcome.type === "failed" && !endings.includes(outcome.failure.code);
    if (this.#sessions.get(lease) === session)
      await this.#stop(lease, wasStopped ? STOP_GRACE_MS.stopped : STOP_GRACE_MS.ended);
    const clean = outcome.type !== "failed" || cleanFailures.includes(outcome.failure.code);
    return clean ? "clean" : "unclean";
  }

  /** Milliseconds for which all its runs have only waited; 0 when it has no run, or one executes. */
  get quietMs(): number {
    const quiet = [...this.#sessions.values()].map((session) => session.quietMs);
    return quiet.length === 0 || this.#stopping.size > 0 ? 0 : Math.min(...quiet);
  }

  /** Lets go of its runs. They continue without a worker until they are woken. */
  park(wake: (session: Session) => void): void {
    const sessions = [...this.#sessions.values()].filter((session) => !session.ended);
    this.#sessions.clear();
    for (const session of sessions) session.park(() => wake(session));
  }

  receive(message: Exclude<FromWorker, { type: "ready" }>): void {
    if (message.type === "stopped") this.#stopping.get(message.lease)?.();
    else this.#sessions.get(message.lease)?.receive(message);
  }

  /**
   * The process is gone. Ends the run that is to blame, where that is certain, and returns the others. Runs that were
   * executing are suspects: each continues in a worker of its own.
   */
  abandon(death: WorkerDeath): readonly Session[] {
    this.#dead = true;
    const alive = [...this.#sessions.values()].filter((session) => !session.ended);
    this.#sessions.clear();
    for (const stopped of this.#stopping.values()) stopped();
    const executing = alive.filter((session) => session.executing);
    const culprit =
      this.#offender ?? (death.type === "memory" && executing.length === 1 ? executing[0] : undefined);
    if (culprit !== undefined) {
      const { memoryMb } = culprit.run.limits;
      if (death.type === "memory")
        culprit.fail({
          code: "memory_exceeded",
          message: `The program used more than ${memoryMb} MB of memory.`,
        });
      else
        culprit.fail({
          code: "engine_crashed",
          message: "The worker process broke its protocol while it ran this program.",
        });
    }
    const suspicion = culprit === undefined ? suspicionOf(death) : undefined;
    return alive.filter(
      (session) => !session.ended && session.detach(executing.includes(session) ? suspicion : undefined),
    );
  }

  async #stop(lease: LeaseId, graceMs: number): Promise<void> {
    this.#sessions.delete(lease);
    // Report the outcome first: the frame would wake the worker, which on a busy core runs before the outcome's
    // receiver.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#dead) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.process.kill("a stopped program still runs"), graceMs);
      this.#stopping.set(lease, () => {
        clearTimeout(timer);
        this.#stopping.delete(lease);
        resolve();
      });
      this.process.send({ type: "stop", lease });
    });
    this.#watchMemory();
  }

  #watchMemory(): void {
    let megabytes = 0;
    for (const session of this.#sessions.values()) megabytes += session.run.limits.memoryMb;
    this.process.watchMemory(megabytes * MEMORY_FACTOR * MIB);
  }
}

/** The suspicion that a death casts on the executing programs. */
function suspicionOf(death: WorkerDeath): "crash" | "kill" | undefined {
  if (death.type === "killed") return undefined;
  return death.type === "exit" && death.signal === "SIGKILL" ? "kill" : "crash";
}
