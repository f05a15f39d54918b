import { readdirSync, readFileSync } from "node:fs";

/** Pids of the living members of a process group; those only waiting to be reaped do not count. */
export function groupMembers(group: number): readonly number[] {
  return processes()
    .filter((process) => process.group === group)
    .map(({ pid }) => pid);
}

/** Leaders of process groups of their own among this process's children. */
export function childLeaders(): readonly number[] {
  return processes()
    .filter(({ pid, parent, group }) => parent === process.pid && group === pid)
    .map(({ pid }) => pid);
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

function processes(): readonly ProcessRow[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const row = readProcess(name);
    return row === undefined ? [] : [row];
  });
}

/** The name in parentheses may hold anything, so fields are counted from the last of them. */
function readProcess(pid: string): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X"
      ? undefined
      : { pid: Number(pid), parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}
