/**
 * `toolarium audit --verify`: checks that the stored history is the one that was written. `store/chain.ts` says what
 * this can prove.
 */
import { ToolariumError } from "../errors.ts";
import type { BrokenRun } from "../store/store.ts";
import type { VerifyCommand } from "./command.ts";
import { createSession, openStoredRuns, readConfig } from "./session.ts";
import { toVisibleJson, toVisibleLine } from "./visible.ts";

/**
 * Returns 0 when the chain holds, 1 when it does not; broken runs are printed as they are found. @throws
 * `config_error`, `not_found`
 */
export async function verifyHistory(command: VerifyCommand): Promise<number> {
  const { log, interrupted } = createSession("warn");
  const config = await readConfig(command, log);
  await using store = await openStoredRuns(config, log);
  const total = { runs: 0, events: 0, broken: 0, damage: 0 };
  for await (const { runs, events, broken, damage } of store.verify(command.run)) {
    total.runs += runs;
    total.events += events;
    total.broken += broken.length;
    total.damage += damage.length;
    for (const fault of damage)
      print(command.json ? toVisibleJson({ damage: fault }) : `the file: ${toVisibleLine(fault)}`);
    for (const run of broken) print(command.json ? toVisibleJson(run) : describe(run));
    if (interrupted.aborted) throw new ToolariumError("cancelled", "Interrupted.");
  }
  if (command.run !== undefined && total.runs === 0 && total.damage === 0)
    throw new ToolariumError("not_found", `There is no run ${JSON.stringify(command.run.slice(0, 80))}.`);
  print(command.json ? toVisibleJson(total) : summarize(total));
  return isWhole(total) ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const problems: { readonly [problem in BrokenRun["problem"]]: string } = {
  changed: "was changed, put in, taken out or moved",
  missing: "is missing",
  end: "is where the journal was cut off or added to",
  payload: "has a large text that is missing or was changed",
  snapshot: "its shared text is missing or was changed",
  index: "is not in the search index as it happened",
  unreadable: "cannot be read: the file is damaged where it stands",
};

function describe({ run, seq, problem }: BrokenRun): string {
  return `${toVisibleLine(run)}: ${seq === 0 ? "" : `event ${seq} `}${problems[problem]}`;
}

function summarize(total: {
  readonly runs: number;
  readonly events: number;
  readonly broken: number;
  readonly damage: number;
}): string {
  const seen = `Runs: ${total.runs}, events: ${total.events}`;
  if (isWhole(total)) return `${seen}. The hash chain holds.`;
  const faults = total.damage === 0 ? "" : `, faults of the file: ${total.damage}`;
  return `${seen}, broken runs: ${total.broken}${faults}. The history is not as it was written.`;
}

function isWhole({ broken, damage }: { readonly broken: number; readonly damage: number }): boolean {
  return broken === 0 && damage === 0;
}
