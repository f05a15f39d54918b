/** How long until a program's first instruction? Seen from the gateway: the way back of its first call is in it. */
import { createWorkerPool, type WorkerPool } from "../../../sandbox/index.ts";
import { engineRun, openPool } from "../contenders/engine.ts";
import { ask, both, type Extent, ms, percentiles, sample, tell, timed } from "../measure.ts";

export async function firstInstruction({ short }: Extent): Promise<void> {
  ask("How long from run() until the gateway hears the program's first call? (through the worker process)");
  const starts: number[] = [];
  const firsts: number[] = [];
  for (let i = 0; i < (short ? 1 : 10); i++) {
    const startedAt = performance.now();
    await using pool = await createWorkerPool({ workers: 1 });
    starts.push(performance.now() - startedAt);
    firsts.push(await untilFirstCall(pool));
  }
  tell("start of a pool: its first worker is up", ...both(percentiles(starts)));
  tell("cold: first run of a new worker", ...both(percentiles(firsts)));

  await using pool = await openPool({ workers: 1 });
  tell("warm: a ready slot", ...both(await sample(short ? 20 : 300, () => untilFirstCall(pool))));
  const rest = await sample(short ? 20 : 300, () => timed(() => pool.run(engineRun("return 1"))));
  tell("warm: a whole run without a call", ...both(rest));

  const burst = await timed(() => Promise.all(Array.from({ length: 8 }, () => untilFirstCall(pool))));
  tell("eight at once: the last one's first call", ms(burst), "(slots beyond the ready ones are built)");
}

async function untilFirstCall(pool: WorkerPool): Promise<number> {
  const startedAt = performance.now();
  let heardAt = startedAt;
  const host = {
    log: () => undefined,
    call: async () => {
      heardAt = performance.now();
      return { type: "value", value: "1" } as const;
    },
  };
  await pool.run(engineRun("await echo({ value: 1 })", { host }));
  return heardAt - startedAt;
}
