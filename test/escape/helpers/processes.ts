/** What the system says of other processes. Where there is no /proc, only life and death can be asked. */
import { existsSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const PAGE_BYTES = 4_096;
/** The kernel counts CPU time for /proc in hundredths of a second, whatever its own clock is. */
const TICK_MS = 10;

export const hasProc: boolean = existsSync("/proc/self/statm");

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of resident memory; 0 for a process that has gone. */
export function rssBytes(pid: number): number {
  return Number(read(pid, "statm")?.split(" ")[1] ?? 0) * PAGE_BYTES;
}

/** Milliseconds of CPU a process has used in its life, all threads, in steps of 10; 0 for one that has gone. */
export function cpuMs(pid: number): number {
  // The second field is the command's name in brackets, and may hold spaces.
  const fields = read(pid, "stat")
    ?.replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)) * TICK_MS;
}

/** Collects this process's garbage: what is left is held by somebody. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return undefined;
  }
}
