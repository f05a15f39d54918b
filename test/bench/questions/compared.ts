/** The questions in which Toolarium stands beside its peers: one program, one to ten calls, one at a time. */
import type { Task } from "../contenders/contender.ts";
import { entrants, type RunningContender, startContender } from "../contenders/start.ts";
import { ask, both, type Extent, interleave, ms, percentiles, tell, times } from "../measure.ts";
import { describePeers } from "../peers.ts";
import { keep } from "../tables.ts";

export async function compareWithPeers(extent: Extent): Promise<void> {
  ask("How long until a fresh process has answered its first program? (cold, one call)");
  await using contenders = new AsyncDisposableStack();
  const running: RunningContender[] = [];
  for (const entrant of entrants(extent.peers)) {
    const contender = contenders.use(await startContender(entrant));
    running.push(contender);
    const firstMs = await contender.run("one call");
    tell(contender.name, `set-up ${ms(contender.createMs)}`, `first run ${ms(firstMs)}`);
  }
  if (extent.peers) console.log(`  peers: ${describePeers()}`);

  ask("What does a program with one tool call take? (warm, idle cadence, in turn)");
  await compare("one call", extent.short ? 10 : 300, running);
  ask("And one with ten calls, one after the other? (warm, idle cadence, in turn)");
  await compare("ten calls", extent.short ? 5 : 150, running);
  ask("Are ten parallel 100 ms tools parallel? (warm, in turn; 115 ms is the aim)");
  await compare("ten parallel 100 ms tools", extent.short ? 2 : 20, running);
}

/** Pair by pair, A B A B …: so each still runs at idle cadence, however slow the others are. */
async function compare(task: Task, rounds: number, running: readonly RunningContender[]): Promise<void> {
  const [first, ...others] = running;
  if (first === undefined) return;
  const base: number[] = [];
  const rows: (() => void)[] = [];
  for (const other of others) {
    const [own = [], its = []] = await interleave(rounds, [() => first.run(task), () => other.run(task)]);
    base.push(...own);
    const [measured, beside] = [percentiles(its), percentiles(own)];
    const ratio = `${times(measured.p50, beside.p50)} p50, ${times(measured.p99, beside.p99)} p99`;
    rows.push(() => {
      tell(other.name, ...both(measured), ratio);
      keep("what runs it", other.name, task, `${ms(measured.p50)} (${times(measured.p50, beside.p50)})`);
    });
  }
  const own = percentiles(base);
  tell(first.name, ...both(own), "1 (each ratio is of its own pair)");
  keep("what runs it", first.name, task, `${ms(own.p50)} (1)`);
  for (const row of rows) row();
}
