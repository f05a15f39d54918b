/** CPU time and memory of this process and its children, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Kernel ticks in /proc are of this length on every Linux Node runs on. */
const TICK_MS = 10;
const PARENT_PID = 1;
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const CHILDREN_USER_TIME = 13;
const CHILDREN_SYSTEM_TIME = 14;

/** Milliseconds of CPU this process and its children have used, those that have ended included. */
export function treeCpuMs(): number {
  const own = process.cpuUsage();
  const ended = statOf(process.pid);
  let ticks = (ended?.[CHILDREN_USER_TIME] ?? 0) + (ended?.[CHILDREN_SYSTEM_TIME] ?? 0);
  for (const pid of childPids()) {
    const stat = statOf(pid);
    ticks += (stat?.[USER_TIME] ?? 0) + (stat?.[SYSTEM_TIME] ?? 0);
  }
  return (own.user + own.system) / 1_000 + ticks * TICK_MS;
}

/** Milliseconds of CPU that one process has used. */
export function cpuMsOf(pid: number): number {
  const stat = statOf(pid);
  return ((stat?.[USER_TIME] ?? 0) + (stat?.[SYSTEM_TIME] ?? 0)) * TICK_MS;
}

export function childPids(): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && statOf(pid)?.[PARENT_PID] === process.pid);
}

/** Megabytes: resident, and proportional (pages shared with other processes are counted in parts). */
export function memoryOf(pid: number): { readonly rssMb: number; readonly pssMb: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return { rssMb: field("Rss") / 1_024, pssMb: field("Pss") / 1_024 };
}

/** Numbers of /proc/PID/stat from the state (which is NaN) on; undefined when the process is gone. */
function statOf(pid: number): readonly number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
  } catch {
    return undefined;
  }
}
