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
 * To be called at every poll: with the CPU time that the process used since the last one, and how long ago that was, in
 * milliseconds. What an unprivileged process has lowered it cannot raise again: the thread keeps its priority, and may
 * serve other programs of its worker.
 */
export function createStepAside(): (cpuMs: number, elapsedMs: number) => void {
  const lowered = new Set<string>([String(process.pid)]);
  let isLooking = false;

  const look = (): void => {
    isLooking = true;
    const before = readThreads(lowered);
    const since = performance.now();
    setTimeout(() => {
      isLooking = false;
      const least = BUSY * (performance.now() - since);
      for (const [thread, cpuMs] of readThreads(lowered)) {
        if (cpuMs - (before.get(thread) ?? cpuMs) < least) continue;
        lowered.add(thread);
        lower(thread);
      }
    }, LOOK_MS);
  };

  return (cpuMs, elapsedMs) => {
    if (!isLooking && cpuMs >= BUSY * elapsedMs) look();
  };
}

/** The CPU time of each thread but these. */
function readThreads(known: ReadonlySet<string>): ReadonlyMap<string, number> {
  return new Map(
    threads().flatMap((thread) => (known.has(thread) ? [] : [[thread, cpuOf(thread)] as const])),
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

/** Milliseconds, as the scheduler counts them; 0 for a thread that has ended. */
function cpuOf(thread: string): number {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;
  } catch {
    return 0;
  }
}
