/** How long threads were ready to run and had no core, as the kernel counts it: Linux, `schedstat` (nanoseconds). */
import { readdirSync, readFileSync } from "node:fs";

interface ThreadTimes {
  readonly ranMs: number;
  readonly waitedMs: number;
}

export type CoreTimes = ReadonlyMap<string, ThreadTimes>;

/** Of this process's main thread, and of every thread of these processes. Empty where the kernel does not count. */
export function readCoreTimes(pids: readonly number[]): CoreTimes {
  const times = new Map<string, ThreadTimes>();
  for (const thread of [`${process.pid}/task/${process.pid}`, ...pids.flatMap(threadsOf)]) {
    const read = timesOf(thread);
    if (read !== undefined) times.set(thread, read);
  }
  return times;
}

/** Milliseconds that all of them waited, but for the one that ran most: beside a busy program that is its own thread. */
export function waitedBetween(before: CoreTimes, after: CoreTimes): number {
  const deltas = [...after].map(([thread, { ranMs, waitedMs }]) => {
    const earlier = before.get(thread) ?? { ranMs, waitedMs };
    return { ranMs: ranMs - earlier.ranMs, waitedMs: waitedMs - earlier.waitedMs };
  });
  return deltas
    .toSorted((a, b) => b.ranMs - a.ranMs)
    .slice(1)
    .reduce((sum, { waitedMs }) => sum + waitedMs, 0);
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`);
  } catch {
    return [];
  }
}

function timesOf(thread: string): ThreadTimes | undefined {
  try {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ").map(Number);
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return undefined;
  }
}
