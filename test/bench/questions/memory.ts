/** What does waiting cost? An idle worker, a slot ready for its program, a program that waits for a tool. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engineRun, openPool } from "../contenders/engine.ts";
import { ask, type Extent, idlePause, median, tell } from "../measure.ts";
import { memoryOf } from "../processes.ts";
import { keep } from "../tables.ts";

const WAITING = 8;

export async function memory({ short }: Extent): Promise<void> {
  ask("How much memory does waiting take?");
  const slots = execFileSync(
    process.execPath,
    [
      "--no-node-snapshot",
      "--disable-warning=ExperimentalWarning",
      fileURLToPath(new URL("../slot-memory.ts", import.meta.url)),
      short ? "10" : "50",
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  tell("an idle slot, built and hardened", `${Number(slots).toFixed(2)} MB`);
  keep("memory", "an idle slot", "resident", `${Number(slots).toFixed(2)} MB`);
  await workerMemory();
}

async function workerMemory(): Promise<void> {
  await using pool = await openPool({ workers: 1 });
  await pool.run(engineRun("return 1"));
  const idle = await readings(pool.stats().pids);
  tell("a worker that waits for work", `RSS ${idle.rssMb} MB`, `PSS ${idle.pssMb} MB`);
  keep("memory", "a worker that waits for work", "resident", `${idle.rssMb} MB`);

  const abort = new AbortController();
  const waiting = Array.from({ length: WAITING }, () => Promise.withResolvers<void>());
  const runs = waiting.map(({ resolve }) =>
    pool.run(
      engineRun("await slow({})", {
        signal: abort.signal,
        host: {
          log: () => undefined,
          call: (_call, signal) => {
            resolve();
            return new Promise((settle) =>
              signal.addEventListener("abort", () => settle({ type: "value", value: "1" }), { once: true }),
            );
          },
        },
      }),
    ),
  );
  await Promise.all(waiting.map(({ promise }) => promise));
  const busy = await readings(pool.stats().pids);
  const each = ((busy.totalMb - idle.totalMb) / WAITING).toFixed(2);
  tell(`a program that waits for a tool (of ${WAITING})`, `${each} MB`, "in its worker, spare slots kept");
  keep("memory", "a program that waits for a tool", "resident", `${each} MB`);
  abort.abort();
  await Promise.all(runs);
}

/** Of the fullest worker, and of all together: median of five readings. */
async function readings(pids: readonly number[]): Promise<{ rssMb: string; pssMb: string; totalMb: number }> {
  const seen: { readonly rssMb: number; readonly pssMb: number; readonly totalMb: number }[] = [];
  for (let i = 0; i < 5; i++) {
    for (let pause = 0; pause < 5; pause++) await idlePause();
    const each = pids.map(memoryOf).sort((one, other) => other.rssMb - one.rssMb);
    const totalMb = each.reduce((sum, { rssMb }) => sum + rssMb, 0);
    seen.push({ rssMb: each[0]?.rssMb ?? 0, pssMb: each[0]?.pssMb ?? 0, totalMb });
  }
  return {
    rssMb: median(seen.map(({ rssMb }) => rssMb)).toFixed(0),
    pssMb: median(seen.map(({ pssMb }) => pssMb)).toFixed(0),
    totalMb: median(seen.map(({ totalMb }) => totalMb)),
  };
}
