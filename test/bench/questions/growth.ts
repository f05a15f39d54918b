/** Do a thousand runs leave anything behind? */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSandbox } from "../../../src/index.ts";
import { programOf } from "../contenders/contender.ts";
import { benchTools, reportedResult } from "../contenders/sandbox.ts";
import { ask, type Extent, idlePause, median, tell } from "../measure.ts";
import { childPids, memoryOf } from "../processes.ts";
import { keep } from "../tables.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

interface Footprint {
  readonly gatewayMb: number;
  /** What is really held; memory not yet collected is in the line above. */
  readonly heapMb: number;
  /** The fullest child: the one that has run the programs, or the compiler. */
  readonly childMb: number;
  readonly handles: number;
  readonly processes: number;
}

export async function growth({ short }: Extent): Promise<void> {
  const runs = short ? 100 : 1_000;
  ask(`Do ${runs} runs in a row leave anything behind? (createSandbox, journal in a file)`);
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  try {
    await using sandbox = await createSandbox({
      tools: benchTools,
      workers: 1,
      storePath: join(folder, "runs.db"),
    });
    const run = async (): Promise<unknown> => reportedResult(await sandbox.run(programOf("one call")));
    // Caches fill and heaps find their size before the first reading.
    for (let i = 0; i < runs / 2; i++) await run();
    const before = await footprint();
    for (let i = 0; i < runs; i++) await run();
    const after = await footprint();
    told("gateway, RSS MB", before.gatewayMb, after.gatewayMb);
    told("gateway, heap after a collection MB", before.heapMb, after.heapMb);
    told("fullest child, RSS MB", before.childMb, after.childMb);
    told("open handles of the gateway", before.handles, after.handles);
    told("child processes", before.processes, after.processes);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function told(name: string, before: number, after: number): void {
  const change = after - before;
  const figure = `${before.toFixed(0)} → ${after.toFixed(0)}`;
  tell(name, figure, `${change < 0 ? "" : "+"}${change.toFixed(0)}`);
  keep("runs in a row", name, "before → after", figure);
}

/** Median of five readings, each after a full collection: V8 lets the old space grow while there is room. */
async function footprint(): Promise<Footprint> {
  const readings: Footprint[] = [];
  for (let i = 0; i < 5; i++) {
    for (let pause = 0; pause < 10; pause++) await idlePause();
    collectGarbage();
    const children = childPids();
    readings.push({
      gatewayMb: memoryOf(process.pid).rssMb,
      heapMb: process.memoryUsage().heapUsed / 1e6,
      childMb: Math.max(...children.map((pid) => memoryOf(pid).rssMb)),
      handles: process.getActiveResourcesInfo().length,
      processes: children.length,
    });
  }
  const middle = (field: keyof Footprint): number => median(readings.map((reading) => reading[field]));
  return {
    gatewayMb: middle("gatewayMb"),
    heapMb: middle("heapMb"),
    childMb: middle("childMb"),
    handles: middle("handles"),
    processes: middle("processes"),
  };
}
