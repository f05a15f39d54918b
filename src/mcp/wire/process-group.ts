/** The processes of a group whose leader is our child, ended together. */

/**
 * Resolves when no process of the group is left: waits a moment, then sends SIGTERM, then SIGKILL; two seconds at most.
 */
export async function endGroup(leader: number): Promise<void> {
  if (!(await isGoneWithin(leader, 100))) {
    signalGroup(leader, "SIGTERM");
    if (!(await isGoneWithin(leader, 1_200))) {
      signalGroup(leader, "SIGKILL");
      await isGoneWithin(leader, 500);
    }
  }
  groups.delete(leader);
  if (groups.size === 0) process.off("exit", killGroups);
}

/** Kills the group when this process exits without having ended it. `endGroup` undoes this. */
export function killGroupAtExit(leader: number): void {
  if (groups.size === 0) process.on("exit", killGroups);
  groups.add(leader);
}

const groups = new Set<number>();

function killGroups(): void {
  for (const leader of groups) signalGroup(leader, "SIGKILL");
}

async function isGoneWithin(leader: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (signalGroup(leader, 0)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

/** False when no process of the group is left. */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false;
  }
}
