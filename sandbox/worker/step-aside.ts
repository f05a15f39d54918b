/**
 * A thread that computes without a pause makes way for the others. Programs of one worker, the worker's own thread and
 * the gateway share the machine's cores; a scheduler gives a busy thread slices of some milliseconds, which is three
 * times what a short program takes in all. With a lower priority it is interrupted as soon as anybody else has work,
 * and has all the time that nobody else needs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

/** Of 19: a tenth of the weight of others, so that it goes on also on a machine that is never idle. */
const NICENESS = 10;
/** Milliseconds over which a busy process is asked which of its threads that is. */
const LOOK_MS = 3;
/** Share of the time. */
const BUSY = 0.8;
/**
 * Beside others that compute, a busy thread has less of the time than it wants: it waits for its turn. The scheduler
 * tells that too, but late, at the thread's next turn, so it is asked over this many milliseconds: a short program has
 * ended by then, however long it had to wait …
 */
const LONG_LOOK_MS = 300;
/** … while the process has at least this share of the time. */
const ACTIVE = 0.05;

/**
 * To be called at every poll: with the CPU time that the process used since the last one, and how long ago that was, in
 * milliseconds. What an unprivileged process has lowered it cannot raise again: the thread keeps its priority, and may
 * serve other programs of its worker.
 */
export function createStepAside(): (cpuMs: number, elapsedMs: number) => void {
  const lowered = new Set<string>([String(process.pid)]);
  let isLooking = false;
  let long: Look | undefined;
  let longCpuMs = 0;

  const end = (look: Look, timeOf: (thread: ThreadTime) => number): void => {
    const least = BUSY * (performance.now() - look.since);
    for (const [thread, time] of readThreads(lowered)) {
      const before = look.threads.get(thread);
      if (before === undefined || timeOf(time) - timeOf(before) < least) continue;
      lowered.add(thread);
      lower(thread);
    }
  };

  const lookShortly = (): void => {
    isLooking = true;
    const look = begin(lowered);
    setTimeout(() => {
      isLooking = false;
      end(look, ({ cpuMs }) => cpuMs);
    }, LOOK_MS);
  };

  const lookLong = (): void => {
    const elapsedMs = long === undefined ? Number.POSITIVE_INFINITY : performance.now() - long.since;
    if (elapsedMs < LONG_LOOK_MS) return;
    const isActive = long === undefined || longCpuMs >= ACTIVE * elapsedMs;
    if (long !== undefined && isActive) end(long, ({ cpuMs, waitMs }) => cpuMs + waitMs);
    long = isActive ? begin(lowered) : undefined;
    longCpuMs = 0;
  };

  return (cpuMs, elapsedMs) => {
    longCpuMs += cpuMs;
    if (!isLooking && cpuMs >= BUSY * elapsedMs) lookShortly();
    if (long !== undefined || cpuMs >= ACTIVE * elapsedMs) lookLong();
  };
}

/** What the threads had used when it began. */
interface Look {
  readonly since: number;
  readonly threads: ReadonlyMap<string, ThreadTime>;
}

/** Milliseconds, as the scheduler counts them. */
interface ThreadTime {
  readonly cpuMs: number;
  /** For which it could have run, had there been a core. */
  readonly waitMs: number;
}

function begin(known: ReadonlySet<string>): Look {
  return { since: performance.now(), threads: readThreads(known) };
}

/** The times of each thread but these. */
function readThreads(known: ReadonlySet<string>): ReadonlyMap<string, ThreadTime> {
  return new Map(
    threads().flatMap((thread) => (known.has(thread) ? [] : [[thread, timeOf(thread)] as const])),
  );
}

function lower(thread: string): void {
  try {
    // On Linux a thread is what has a priority, and the system call takes its id.
    setPriority(Number(thread), NICENESS);
  } catch {
    // It has ended, or the system does not want it: then it stays as it is.
  }
}

/** None where there is no such folder. */
function threads(): readonly string[] {
  try {
    return readdirSync("/proc/self/task");
  } catch {
    return [];
  }
}

/** 0 for a thread that has ended. */
function timeOf(thread: string): ThreadTime {
  try {
    const [cpuNs, waitNs] = readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ");
    return { cpuMs: Number(cpuNs) / 1e6, waitMs: Number(waitNs) / 1e6 };
  } catch {
    return { cpuMs: 0, waitMs: 0 };
  }
}
