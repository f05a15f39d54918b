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
/** Polls in a row through which the process was busy before it is asked which thread that is. */
const BUSY_POLLS = 2;
/** Share of the time between two polls. */
const BUSY = 0.8;

/**
 * To be called at every poll: with the CPU time that the process used since the last one, and how long ago that was, in
 * milliseconds. What an unprivileged process has lowered it cannot raise again: the thread keeps its priority, and may
 * serve other programs of its worker.
 */
export function createStepAside(): (cpuMs: number, elapsedMs: number) => void {
  const known = new Map<string, number>();
  const lowered = new Set<string>([String(process.pid)]);
  let busyPolls = 0;

  return (cpuMs, elapsedMs) => {
    if (cpuMs < BUSY * elapsedMs) {
      busyPolls = 0;
      known.clear();
      return;
    }
    busyPolls += 1;
    if (busyPolls < BUSY_POLLS) return;
    for (const thread of threads()) {
      if (lowered.has(thread)) continue;
      const before = known.get(thread);
      const now = cpuOf(thread);
      known.set(thread, now);
      if (before === undefined || now - before < BUSY * elapsedMs) continue;
      lowered.add(thread);
      lower(thread);
    }
  };
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
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "latin1").split(" ", 1)[0]) / 1e6;
  } catch {
    return 0;
  }
}
