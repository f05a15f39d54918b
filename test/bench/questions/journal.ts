/** What does it cost to keep a run's history? */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalEventBody, RunUsage } from "../../../src/journal.ts";
import { createLog } from "../../../src/log.ts";
import { createJournal } from "../../../src/runs/live/live-journal.ts";
import { createRunId, toCallId } from "../../../src/runs/record/ids.ts";
import { openSqliteStore, type SqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { RunRecord } from "../../../src/store/store.ts";
import { ask, type Extent, median, ms, tell, times } from "../measure.ts";

const CALLS = 10;
/** Runs that go on at the same time: what many of them append in one moment is one commit. */
const AT_ONCE = 64;

interface Cost {
  readonly eventsPerSecond: number;
  /** Milliseconds of CPU per run, on the thread that serves requests. */
  readonly gatewayMs: number;
  /** On all others: the store's, and V8's own helpers of both. */
  readonly storeMs: number;
  readonly commitsPerRun: number;
}

export async function journal({ short }: Extent): Promise<void> {
  const rounds = short ? 2 : 15;
  const runs = AT_ONCE * (short ? 2 : 8);
  ask(
    `What does the journal of a run with ${CALLS} calls of ${RESULT_BYTES} bytes cost? (${AT_ONCE} runs at once)`,
  );
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  const log = createLog("silent");
  try {
    await using disk = await openSqliteStore({ path: join(folder, "runs.db"), log });
    await using memory = await openSqliteStore({ path: ":memory:", log });
    const stores = [
      { name: "in a file", store: disk, costs: [] as Cost[] },
      { name: ":memory:", store: memory, costs: [] as Cost[] },
    ];
    for (let round = -1; round < rounds; round++)
      for (const { store, costs } of round % 2 === 0 ? stores : stores.toReversed()) {
        const cost = await measureRuns(store, runs);
        if (round >= 0) costs.push(cost);
      }
    const middle = (costs: readonly Cost[], field: keyof Cost): number =>
      median(costs.map((cost) => cost[field]));
    const base = middle(stores[0]?.costs ?? [], "eventsPerSecond");
    for (const { name, costs } of stores)
      tell(
        name,
        `${Math.round(middle(costs, "eventsPerSecond"))} events/s`,
        times(middle(costs, "eventsPerSecond"), base),
        `gateway ${ms(middle(costs, "gatewayMs"))} CPU`,
        `store ${ms(middle(costs, "storeMs"))} CPU`,
        `${middle(costs, "commitsPerRun").toFixed(2)} commits`,
      );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureRuns(store: SqliteStore, runs: number): Promise<Cost> {
  const before = { at: performance.now(), thread: process.threadCpuUsage(), all: process.cpuUsage() };
  const commits = store.stats().commits;
  let left = runs;
  const oneAfterAnother = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await keepRun(store);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother));
  const seconds = (performance.now() - before.at) / 1_000;
  const thread = sum(process.threadCpuUsage(before.thread));
  const all = sum(process.cpuUsage(before.all));
  return {
    eventsPerSecond: (runs * (2 + 4 * CALLS)) / seconds,
    gatewayMs: thread / runs,
    storeMs: (all - thread) / runs,
    commitsPerRun: (store.stats().commits - commits) / runs,
  };
}

function sum({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000;
}

/** As a runner does it: what one turn appends is one write; a turn comes after every answer of a tool. */
async function keepRun(store: SqliteStore): Promise<void> {
  const run: RunRecord = {
    id: createRunId(),
    principal: "bench",
    kind: "program",
    parent: null,
    createdAt: Date.now(),
    spec: '{"code":"return 1"}',
    snapshot: null,
    requestKey: null,
  };
  const kept = createJournal({ store, run, log: createLog("silent") });
  for (const body of eventsOf(run.id)) {
    kept.append(body);
    if (body.type === "started") await new Promise(setImmediate);
  }
  await kept.flush();
  kept.close();
}

function eventsOf(runId: string): readonly JournalEventBody[] {
  const tool = "files/read";
  const argsBytes = args.length;
  const resultBytes = value.length;
  const calls = Array.from({ length: CALLS }, (_, n): readonly JournalEventBody[] => {
    const head = { n, call: toCallId(runId, n) };
    return [
      { ...head, type: "requested", tool, args, argsBytes },
      { ...head, type: "decided", decision: "auto", by: "policy", args },
      { ...head, type: "started", tool, argsHash: "ef".repeat(32), readOnly: true },
      { ...head, type: "settled", outcome: { ok: true, value }, resultBytes, reused: false },
    ];
  });
  return [
    { type: "opened", programHash: "ab".repeat(32), catalogVersion: "cd".repeat(8), engine: "v8" },
    ...calls.flat(),
    { type: "ended", status: "completed", result: "1", error: null, usage },
  ];
}

const RESULT_BYTES = 1_000;
const args = JSON.stringify({ path: "y".repeat(100) });
const value = JSON.stringify("x".repeat(RESULT_BYTES - 2));

const usage: RunUsage = {
  wallMs: 20,
  cpuMs: 4,
  queueMs: 0,
  compileMs: 6,
  toolCalls: CALLS,
  logBytes: 0,
  peakHeapBytes: 100,
};
