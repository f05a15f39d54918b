/**
 * Type-checking as a service. A check that takes too long or too much memory costs its own program the check, and costs
 * no other program anything: the checker is killed and replaced, and the other checks in it run once more, one after
 * the other. Never rejects, and never delays a program for long.
 */

import type { CheckedProgram, ToolTypes, TypeChecker } from "./checked.ts";
import { startCompileClock } from "./compile-clock.ts";
import { groupCpuMs, groupMemoryBytes } from "./group-usage.ts";
import { CheckerBroken, startTypeChecker } from "./type-checker.ts";

export interface CheckLimits {
  /** Milliseconds of the checker's CPU for one check; on the clock at most `PATIENCE` times that. */
  readonly deadlineMs: number;
  /** Bytes the checker may hold while it checks. */
  readonly memoryBytes: number;
  /** Bytes above which an idle checker is replaced. */
  readonly restingBytes: number;
  /** Number of tool sets at which the checker is replaced: closing one frees no memory. */
  readonly toolSets: number;
}

/**
 * 1.5 s is enough for fifty honest checks. The worst known types take 200 MB in that time on a busy machine and 400 MB
 * on an idle one. An idle checker holds 35 to 150 MB.
 */
export const defaultCheckLimits: CheckLimits = {
  deadlineMs: 1500,
  memoryBytes: 350 * 1024 * 1024,
  restingBytes: 300 * 1024 * 1024,
  toolSets: 20,
};

export type Unchecked =
  | { readonly why: "late"; readonly deadlineMs: number }
  | { readonly why: "memory" }
  /** Twice, its checker was killed because of another program. */
  | { readonly why: "interrupted" }
  /** Not tried: too many checks are waiting. */
  | { readonly why: "busy" }
  | { readonly why: "down"; readonly reason: string };

export type CheckResult<T> =
  | { readonly checked: true; readonly value: T }
  | { readonly checked: false; readonly unchecked: Unchecked };

/** The result of one use of the checker. */
type Attempt<T> = CheckResult<T> | "interrupted";

const MEMORY_POLL_MS = 25;
/** A checker may wait for the CPU, but no check takes longer than this multiple of its deadline on the clock. */
export const PATIENCE = 4;
/** Milliseconds from a failed start to the next attempt. */
const RETRY_AFTER_MS = 10_000;

export class CheckService {
  readonly #limits: CheckLimits;
  readonly #onDown: (reason: string) => void;
  readonly #startChecker: () => Promise<TypeChecker>;
  #seat: Promise<Seat> | undefined;
  #down: { readonly reason: string; readonly until: number } | undefined;
  #alone: Promise<unknown> = Promise.resolve();

  /** `onDown` is called each time the checker does not start. */
  constructor(
    limits: CheckLimits,
    onDown: (reason: string) => void,
    startChecker: () => Promise<TypeChecker> = startTypeChecker,
  ) {
    this.#limits = limits;
    this.#onDown = onDown;
    this.#startChecker = startChecker;
  }

  /** Starts the checker in advance, so that the first check does not wait for it. */
  warm(): void {
    void this.#seatInUse().catch(() => undefined);
  }

  /** Checks the body of an async function and lets `judge` examine the findings, all within the deadline. */
  async check<T>(
    toolTypes: () => Promise<ToolTypes>,
    program: string,
    judge: (checked: CheckedProgram) => Promise<T>,
  ): Promise<CheckResult<T>> {
    const attempt = (): Promise<Attempt<T>> => this.#attempt(toolTypes, program, judge);
    const first = await attempt();
    if (first !== "interrupted") return first;
    const turn = this.#alone.then(attempt);
    this.#alone = turn;
    const second = await turn;
    return second === "interrupted" ? { checked: false, unchecked: { why: "interrupted" } } : second;
  }

  async #attempt<T>(
    toolTypes: () => Promise<ToolTypes>,
    program: string,
    judge: (checked: CheckedProgram) => Promise<T>,
  ): Promise<Attempt<T>> {
    try {
      const { deadlineMs } = this.#limits;
      const ready = await within(PATIENCE * deadlineMs, Promise.all([toolTypes(), this.#seatInUse()]));
      if (ready === undefined) return { checked: false, unchecked: { why: "late", deadlineMs } };
      const [types, seat] = ready;
      return await seat.use(async ({ check }) => {
        await using checked = await check(types, program);
        return await judge(checked);
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { checked: false, unchecked: { why: "down", reason } };
    }
  }

  /** Rejects when the checker does not start. */
  async #seatInUse(): Promise<Seat> {
    if (this.#down !== undefined && performance.now() < this.#down.until) throw new Error(this.#down.reason);
    this.#down = undefined;
    this.#seat ??= this.#start();
    const seat = await this.#seat;
    if (seat.isOpen) return seat;
    this.#seat = undefined;
    return await this.#seatInUse();
  }

  async #start(): Promise<Seat> {
    try {
      // A chance failure, like a machine out of memory, ends one start, but rarely two.
      const checker = await this.#startChecker().catch(() => this.#startChecker());
      return new Seat(checker, this.#limits);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#down = { reason, until: performance.now() + RETRY_AFTER_MS };
      this.#seat = undefined;
      this.#onDown(reason);
      throw error;
    }
  }
}

/** Undefined when `act` takes longer. */
async function within<T>(ms: number, act: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms, undefined);
  try {
    return await Promise.race([act, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

interface Use {
  readonly since: number;
  end(attempt: "interrupted" | Extract<CheckResult<never>, { checked: false }>): void;
}

/** One checker process, its current checks, and the limits that end it. */
class Seat {
  readonly #checker: TypeChecker;
  readonly #limits: CheckLimits;
  readonly #uses = new Set<Use>();
  #watch: NodeJS.Timeout | undefined;
  #open = true;

  constructor(checker: TypeChecker, limits: CheckLimits) {
    this.#checker = checker;
    this.#limits = limits;
    void checker.gone.then(() => this.#close(() => "interrupted"));
  }

  /** Whether it accepts another check. */
  get isOpen(): boolean {
    return this.#open;
  }

  async use<T>(act: (checker: Pick<TypeChecker, "check">) => Promise<T>): Promise<Attempt<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Attempt<T>>();
    const use: Use = { since: performance.now(), end: resolve };
    this.#uses.add(use);
    this.#watch ??= setInterval(() => this.#look(), MEMORY_POLL_MS);
    const { deadlineMs } = this.#limits;
    const clock = startCompileClock({
      cpuLimitMs: deadlineMs,
      stallMs: PATIENCE * deadlineMs,
      readCpuMs: () => groupCpuMs(this.#checker.pid, { checker: true }),
      onUsedUp: () => this.#onLate(use),
      onStalled: () => this.#onLate(use),
    });
    const check: TypeChecker["check"] = (types, program) => this.#checker.check(types, program);
    act({ check }).then(
      (value) => resolve({ checked: true, value }),
      (error: unknown) => {
        if (error instanceof CheckerBroken) this.#close(() => "interrupted");
        else reject(error);
      },
    );
    try {
      return await promise;
    } finally {
      clock.stop();
      this.#uses.delete(use);
      if (this.#uses.size === 0) this.#rest();
    }
  }

  #look(): void {
    if (groupMemoryBytes(this.#checker.pid) <= this.#limits.memoryBytes) return;
    const alone = this.#uses.size === 1;
    this.#close(() => (alone ? { checked: false, unchecked: { why: "memory" } } : "interrupted"));
  }

  /**
   * An honest check takes a fiftieth of the time: a check that has run half as long as the expired one stalls the
   * checker too.
   */
  #onLate(expired: Use): void {
    const { deadlineMs } = this.#limits;
    const since = (expired.since + performance.now()) / 2;
    this.#close((use) =>
      use === expired || use.since <= since
        ? { checked: false, unchecked: { why: "late", deadlineMs } }
        : "interrupted",
    );
  }

  #close(verdict: (use: Use) => Parameters<Use["end"]>[0]): void {
    this.#open = false;
    clearInterval(this.#watch);
    this.#checker.kill();
    for (const use of this.#uses) use.end(verdict(use));
  }

  /** Replaces a checker that has grown, while it is idle. */
  #rest(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    const isWorn =
      this.#checker.toolSets >= this.#limits.toolSets ||
      groupMemoryBytes(this.#checker.pid) > this.#limits.restingBytes;
    if (isWorn) this.#close(() => "interrupted");
  }
}
