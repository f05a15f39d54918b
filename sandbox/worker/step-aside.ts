/**
 * Lowers the priority of a thread that computes without a pause. The programs of a worker, the worker's own thread and
 * the gateway share the machine's cores. A scheduler gives a busy thread slices of some milliseconds, three times what
 * a short program takes in all. With a lower priority the thread is interrupted as soon as another has work, and still
 * gets all the time that no other needs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

/** Of 19. A tenth of the weight of others, so the thread still proceeds on a machine that is never idle. */
const NICENESS = 10;
/** Milliseconds over which the threads of a busy process are measured to find the busy one. */
const LOOK_MS = 3;
/** Share of the time at which a thread counts as busy. */
const BUSY = 0.8;
/**
 * Beside other computing threads, a busy thread gets less time than it wants, because it waits for its turn. The
 * scheduler counts that wait too, but only at the thread's next turn, so it is measured over this many milliseconds. A
 * short program has ended by then, however long it waited …
 */
const LONG_LOOK_MS = 300;
/** … provided the process gets at least this share of the time. */
const ACTIVE = 0.05;

/**
 * To be called at every poll, with the CPU time that the process used since the last call and the milliseconds since
 * then. An unprivileged process cannot raise a priority again: the thread keeps it, and may serve other programs of its
 * worker.
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

/** The times of the threads when a measurement began. */
interface Look {
  readonly since: number;
  readonly threads: ReadonlyMap<string, ThreadTime>;
}

/** Milliseconds, as the scheduler counts them. */
interface ThreadTime {
  readonly cpuMs: number;
  /** Time for which it could have run, had there been a core. */
  readonly waitMs: number;
}

function begin(known: ReadonlySet<string>): Look {
  return { since: performance.now(), threads: readThreads(known) };
}

/** The times of every thread except the known ones. */
function readThreads(known: ReadonlySet<string>): ReadonlyMap<string, ThreadTime> {
  return new Map(
    threads().flatMap((thread) => (known.has(thread) ? [] : [[thread, timeOf(thread)] as const])),
  );
}

function lower(thread: string): void {
  try {
    // On Linux each thread has a priority of its own, and the system call takes its id.
    setPriority(Number(thread), NICENESS);
  } catch {
    // The thread has ended, or the system refuses: then its priority stays.
  }
}

/** Empty where there is no such folder. */
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
