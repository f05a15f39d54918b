/**
 * Worker processes and the runs in them. A worker serves one principal in its whole life. A run without a place waits
 * in a bounded queue that serves principals in turn. A worker that died costs only the run that killed it: its other
 * runs move to another worker and replay there.
 */
import type { EngineOutcome, EngineRun, PoolStats, WorkerPool } from "../engine.ts";
import { Session } from "../session/session.ts";
import { FairQueue } from "./fair-queue.ts";
import { placeRun } from "./placement.ts";
import { type ResolvedPoolOptions, resolvePoolOptions, type WorkerPoolOptions } from "./pool-options.ts";
import { PoolRefusal } from "./pool-refusal.ts";
import type { Departure, Seat } from "./seat.ts";
import { TurnBudget } from "./turn-budget.ts";
import type { WorkerDeath } from "./worker-process.ts";
import { WorkerStarts } from "./worker-starts.ts";

/**
 * Resolves when the first worker is ready. Dispose of the pool to end its workers.
 *
 * @throws `PoolRefusal` `engine_missing` when no worker can be started
 *
 * @example
 * import { createWorkerPool, defaultLimits } from "toolarium/sandbox";
 *
 * await using pool = await createWorkerPool({ workers: 1 });
 * const outcome = await pool.run({
 *   principal: "me",
 *   program: {
 *     js: "(async () => (await lab.double({ n: 21 })) + input)",
 *     namespaces: { servers: [{ name: "lab", global: "lab", tools: [{ name: "double", method: "double" }] }], locals: [] },
 *     input: "0",
 *     seed: "1",
 *   },
 *   limits: { ...defaultLimits, wallMs: 5_000 },
 *   host: {
 *     call: async ({ args }) => ({ type: "value", value: String(JSON.parse(args).n * 2) }),
 *     log: ({ text }) => process.stderr.write(`${text}\n`),
 *   },
 * });
 * console.log(outcome.type, outcome.type === "completed" && outcome.result); // completed 42
 */
export async function createWorkerPool(options: WorkerPoolOptions = {}): Promise<WorkerPool> {
  const pool = new Pool(options);
  await pool.open();
  return pool;
}

/**
 * When all runs of a worker have only waited for this long, they may be parked to make room for a principal without a
 * worker.
 */
const PARK_AFTER_MS = 100;
/** Programs, inputs and histories: some milliseconds of the thread. */
const CHARS_PER_TURN = 1_000_000;

class Pool implements WorkerPool {
  readonly #options: ResolvedPoolOptions;
  readonly #seats = new Set<Seat>();
  readonly #queue: FairQueue<Session>;
  readonly #sessions = new Set<Session>();
  readonly #totals = { runs: 0, kills: 0, recycled: 0 };
  readonly #starts: WorkerStarts;
  #lookAgain: NodeJS.Timeout | undefined;
  readonly #turn = new TurnBudget(CHARS_PER_TURN, () => this.#dispatch());
  #inRound = false;
  #roundWanted = false;
  #disposed: Promise<void> | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = resolvePoolOptions(options);
    this.#queue = new FairQueue(this.#options.queue);
    this.#starts = new WorkerStarts(this.#options, {
      ready: (seat) => this.#seats.add(seat),
      died: (seat, death) => this.#died(seat, death),
      started: () => this.#dispatch(),
      retry: () => this.#balance(),
    });
  }

  async open(): Promise<void> {
    try {
      await this.#starts.start();
    } catch (error) {
      throw new PoolRefusal("engine_missing", error instanceof Error ? error.message : String(error));
    }
    this.#balance();
  }

  run(run: EngineRun): Promise<EngineOutcome> {
    if (this.#isOver) throw new PoolRefusal("disposed", "The worker pool has been disposed.");
    const session = new Session(run);
    if (session.ended) return session.done;
    const isAdmitted = run.admitted === true || run.history !== undefined;
    if (isAdmitted) this.#queue.pushFront(ownerOf(session), session);
    else this.#queue.push(ownerOf(session), session);
    this.#dispatch();
    if (!isAdmitted && this.#queue.size > this.#queue.limit) {
      this.#queue.remove(ownerOf(session), session);
      throw new PoolRefusal("queue_full", `All workers are busy and ${this.#queue.limit} runs wait already.`);
    }
    this.#totals.runs += 1;
    this.#sessions.add(session);
    return session.done.finally(() => {
      this.#sessions.delete(session);
      this.#queue.remove(ownerOf(session), session);
    });
  }

  get engine(): string {
    return this.#starts.engine;
  }

  stats(): PoolStats {
    const running = [...this.#seats].reduce((sum, seat) => sum + seat.load, 0);
    return {
      workers: { ready: this.#seats.size, starting: this.#starts.underWay, wanted: this.#wanted },
      runs: { running, queued: this.#queue.size, queueLimit: this.#queue.limit },
      totals: { ...this.#totals, startFailures: this.#starts.failures },
      pids: [...this.#seats].map((seat) => seat.process.pid),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  /** True from the first step of the pool's end: workers that die then are not replaced. */
  get #isOver(): boolean {
    return this.#starts.closed;
  }

  async #dispose(): Promise<void> {
    this.#starts.close();
    clearTimeout(this.#lookAgain);
    this.#turn.close();
    for (const session of this.#sessions)
      session.fail({ code: "cancelled", message: "The worker pool was disposed." });
    this.#queue.drain();
    for (const seat of this.#seats) seat.process.kill("the pool was disposed");
    await this.#starts.ended();
  }

  /** Workers in use plus one warm. A principal without a worker may exceed the count, up to twice as many. */
  get #wanted(): number {
    return this.#options.workers + 1;
  }

  get #most(): number {
    return this.#options.workers * 2 + 1;
  }

  /** Finds places for queued runs. Killing a worker on the way calls this again; that call becomes one more pass. */
  #dispatch(): void {
    this.#roundWanted = true;
    if (this.#inRound) return;
    this.#inRound = true;
    while (this.#roundWanted) {
      this.#roundWanted = false;
      this.#placeAll();
      this.#balance();
    }
    this.#inRound = false;
    // Runs that only wait are noticed by time alone, so the pool must look again.
    clearTimeout(this.#lookAgain);
    if (this.#queue.size > 0) this.#lookAgain = setTimeout(() => this.#dispatch(), PARK_AFTER_MS).unref();
  }

  #placeAll(): void {
    // When the queue is over its limit the next run starts all the same, or it would be refused beside a free place.
    while (!this.#turn.isSpent || this.#queue.size > this.#queue.limit) {
      const next = this.#queue.takeFirst((session) => this.#placeFor(session));
      if (next === undefined) return;
      const { item: session, place: seat } = next;
      if (session.ended) continue;
      const writtenBefore = seat.writtenChars;
      void seat.take(session).then((departure) => this.#vacated(seat, departure));
      this.#turn.spend(seat.writtenChars - writtenBefore);
    }
  }

  #placeFor(session: Session): Seat | undefined {
    const { workers, runsPerWorker } = this.#options;
    const run = { principal: session.run.principal, solo: session.solo };
    const { place, evicted } = placeRun(run, [...this.#seats], {
      workers,
      most: this.#most,
      runsPerWorker,
      starting: this.#starts.underWay,
      parkAfterMs: PARK_AFTER_MS,
    });
    if (evicted !== undefined) this.#evict(evicted.place, evicted.reason);
    return place;
  }

  /** Ends a worker. A run that was parked in it returns to the queue when something wakes it. */
  #evict(seat: Seat, reason: string): void {
    seat.park((session) => {
      this.#queue.pushFront(ownerOf(session), session);
      this.#dispatch();
    });
    this.#recycle(seat, reason);
  }

  /** A run has left its seat, and nothing of it executes there any more. */
  #vacated(seat: Seat, departure: Departure): void {
    if (departure === "clean") this.#starts.succeeded();
    if (departure === "unclean" || seat.served >= this.#options.runsPerLife) seat.closed = true;
    if (seat.closed && seat.load === 0) this.#recycle(seat, "it is used up");
    this.#dispatch();
  }

  #recycle(seat: Seat, reason: string): void {
    if (!this.#seats.delete(seat)) return;
    this.#totals.recycled += 1;
    seat.process.kill(reason);
  }

  /** Starts missing workers; ends surplus idle ones. */
  #balance(): void {
    if (this.#isOver) return;
    const open = [...this.#seats].filter((seat) => !seat.closed);
    const total = this.#seats.size + this.#starts.underWay;
    const free = open.filter((seat) => seat.principal === null).length + this.#starts.underWay;
    const short = Math.max(this.#wanted - total, free === 0 && total < this.#most ? 1 : 0);
    for (let i = 0; i < short; i++) this.#starts.startInBackground();
    for (const idle of open.filter((seat) => seat.principal !== null && seat.load === 0)) {
      if (this.#seats.size <= this.#wanted) return;
      this.#recycle(idle, "it is one too many");
    }
  }

  #died(seat: Seat, death: WorkerDeath): void {
    if (this.#seats.delete(seat)) this.#totals.kills += 1;
    if (seat.served === 0 && death.type !== "killed") this.#starts.backOff();
    for (const session of seat.abandon(death)) this.#queue.pushFront(ownerOf(session), session);
    this.#dispatch();
  }
}

function ownerOf(session: Session): string {
  return session.run.principal ?? "";
}
