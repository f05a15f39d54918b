/** How much memory the compiler process holds together with what it started: esbuild's service and the checker. */
import { readFileSync } from "node:fs";

const PAGE_BYTES = 4_096;

/**
 * Resident bytes of a process and of the children its main thread started, pages they share counted for each.
 * 0 where /proc is missing or the process has gone.
 */
export function groupMemoryBytes(pid: number): number {
  const children = readProc(`${pid}/task/${pid}/children`).split(" ").filter(Boolean);
  return [String(pid), ...children].reduce((sum, member) => sum + residentBytes(member), 0);
}

function residentBytes(pid: string): number {
  return Number(readProc(`${pid}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
}

function readProc(path: string): string {
  try {
    // Only with this encoding does Node read without a buffer, which for files without a size has 64 kB.
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
