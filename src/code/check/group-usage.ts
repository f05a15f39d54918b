/** Memory and CPU time of the compiler process together with its children: esbuild's service and the type checker. */
import { readFileSync } from "node:fs";

const PAGE_BYTES = 4_096;
/** The kernel reports CPU time in hundredths of a second, whatever its own resolution. */
const TICK_MS = 10;

/**
 * Resident bytes of a process and of the children that its main thread started. Shared pages count for each. 0 where
 * /proc is missing or the process has gone.
 */
export function groupMemoryBytes(pid: number): number {
  return [String(pid), ...childrenOf(pid)].reduce((sum, member) => sum + residentBytes(member), 0);
}

/**
 * Milliseconds of CPU used by a process, all its threads, and its children. With `checker: false` the type checker is
 * left out: it may be working for another program. Undefined where /proc is missing or the process has gone.
 */
export function groupCpuMs(pid: number, { checker }: { readonly checker: boolean }): number | undefined {
  const own = usage(String(pid));
  if (own === undefined) return undefined;
  const children = childrenOf(pid).flatMap((child) => usage(child) ?? []);
  const counted = children.filter(({ name }) => checker || name.startsWith("esbuild"));
  return counted.reduce((sum, { cpuMs }) => sum + cpuMs, own.cpuMs);
}

function childrenOf(pid: number): readonly string[] {
  return readProc(`${pid}/task/${pid}/children`).split(" ").filter(Boolean);
}

function residentBytes(pid: string): number {
  return Number(readProc(`${pid}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
}

function usage(pid: string): { readonly name: string; readonly cpuMs: number } | undefined {
  // The name may hold any character, parentheses too. The two numbers are fields 14 and 15.
  const found = /^\d+ \((?<name>.*)\) \S(?: \S+){10} (?<user>\d+) (?<system>\d+) /s.exec(
    readProc(`${pid}/stat`),
  )?.groups;
  if (found === undefined) return undefined;
  return { name: found["name"] ?? "", cpuMs: (Number(found["user"]) + Number(found["system"])) * TICK_MS };
}

function readProc(path: string): string {
  try {
    // With this encoding alone Node reads without a buffer; for files without a size the buffer has 64 kB.
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
