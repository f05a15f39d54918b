/** `toolarium replay`: executes a stored run again, offline, and compares it with its journal. */
import { createPool } from "../core.ts";
import { type Replayed, replayRun } from "../runs/read/replay.ts";
import type { ReplayCommand } from "./command.ts";
import { createSession, interruption, openStoredRuns, readConfig } from "./session.ts";
import { toVisible, toVisibleJson } from "./visible.ts";

/**
 * Returns 0 when the replay is equal, 1 when it differs.
 *
 * @throws `not_found` for an unknown run, `invalid_request` for a run without an executed program, `config_error`
 */
export async function replay(command: ReplayCommand): Promise<number> {
  const { log, interrupted } = createSession("warn");
  const config = await readConfig(command, log);
  await using store = await openStoredRuns(config, log);
  await using pool = await createPool({
    ...config.sandbox,
    workers: 1,
    memoryMb: config.limits.memoryMb,
  });
  const replayed = await Promise.race([replayRun({ pool, store }, command.run), interruption(interrupted)]);
  process.stdout.write(`${command.json ? toVisibleJson(replayed) : toVisible(describe(replayed))}\n`);
  return replayed.matches ? 0 : 1;
}

function describe({ report, matches, difference }: Replayed): string {
  const what = `${report.id}: ${report.status}, calls: ${report.calls.length}`;
  return matches ? `${what}. The same again.` : `${what}. Not the same again: ${difference}`;
}
