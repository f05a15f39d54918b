/** What does a page of runs cost, and the list of what waits for people, among many runs? */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "../../../sandbox/index.ts";
import type { JournalEventBody, RunUsage } from "../../../src/journal.ts";
import { createLog } from "../../../src/log.ts";
import { createFollowers, noSignals } from "../../../src/runs/live/followers.ts";
import { createJournal } from "../../../src/runs/live/live-journal.ts";
import { createRunReader } from "../../../src/runs/read/reading.ts";
import { createRunId, toCallId } from "../../../src/runs/record/ids.ts";
import type { RunSpec } from "../../../src/runs/record/run-spec.ts";
import { openSqliteStore, type SqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { RunRecord } from "../../../src/store/store.ts";
import { ask, both, type Extent, interleave, percentiles, tell, timed } from "../measure.ts";

/** Of one run: with its beginning and its end some 200 events. */
const CALLS = 50;
const PAGE = 200;
/** One in so many waits for a person. */
const WAITING = 20;
const AT_ONCE = 64;
const me = { principal: "bench", admin: false };

export async function runList({ short }: Extent): Promise<void> {
  const [runs, rounds] = short ? [400, 3] : [10_000, 40];
  ask(
    `What does a page of ${PAGE} runs of ${4 * CALLS + 2} events cost? (${runs} runs, one in ${WAITING} waits)`,
  );
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  const log = createLog("silent");
  try {
    await using store = await openSqliteStore({ path: join(folder, "runs.db"), log });
    await fill(store, runs);
    const followers = createFollowers({ store, signals: noSignals, journal: () => undefined });
    const reader = createRunReader({ store, log }, () => undefined, followers);
    const acts = {
      "a page of summaries": () => reader.runs(me, { limit: PAGE }),
      "the calls that wait for people": () => reader.approvals(me, { limit: PAGE }),
      "ten whole reports": () => reader.list(me, { limit: 10 }),
    };
    const times = await interleave(
      rounds,
      Object.values(acts).map((act) => () => timed(act)),
    );
    for (const [index, name] of Object.keys(acts).entries())
      tell(name, ...both(percentiles(times[index] ?? [])));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fill(store: SqliteStore, runs: number): Promise<void> {
  let made = 0;
  const oneAfterAnother = async (): Promise<void> => {
    while (made < runs) {
      made += 1;
      await keepRun(store, made % WAITING === 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother));
}

async function keepRun(store: SqliteStore, waits: boolean): Promise<void> {
  const id = createRunId();
  const log = createLog("silent");
  const run: RunRecord = {
    ...{ id, principal: me.principal, kind: "program", parent: null, createdAt: Date.now() },
    ...{ spec: JSON.stringify(spec), snapshot: null, requestKey: null },
  };
  const journal = createJournal({ store, run, log });
  for (const body of eventsOf(id, waits)) journal.append(body);
  await journal.settled();
  journal.close();
}

function eventsOf(run: string, waits: boolean): readonly JournalEventBody[] {
  const tool = "files/read";
  const args = JSON.stringify({ path: "y".repeat(60) });
  const callOf = (n: number) => ({ n, call: toCallId(run, n) });
  const requested = (n: number): JournalEventBody => {
    return { ...callOf(n), type: "requested", tool, args, argsBytes: args.length };
  };
  const calls = Array.from({ length: CALLS }, (_, n): readonly JournalEventBody[] => [
    requested(n),
    { ...callOf(n), type: "decided", decision: "auto", by: "policy", args },
    { ...callOf(n), type: "started", tool, argsHash: "ef".repeat(32), readOnly: true },
    { ...callOf(n), type: "settled", outcome: { ok: true, value }, resultBytes: value.length, reused: false },
  ]);
  const end: readonly JournalEventBody[] = waits
    ? [
        requested(CALLS),
        {
          ...callOf(CALLS),
          type: "decided",
          decision: "ask",
          by: "policy",
          reason: "not in autoExecute",
          args,
        },
        { type: "waiting", usage },
      ]
    : [{ type: "ended", status: "completed", result: "1", error: null, usage }];
  return [
    { type: "opened", programHash: "ab".repeat(32), catalogVersion: "cd".repeat(8), engine: "v8" },
    ...calls.flat(),
    ...end,
  ];
}

const value = JSON.stringify("x".repeat(200));

/** A program of forty lines, as its record has it. */
const code = "const rows = await files.read({ path: 'reports/today.csv' });\n".repeat(40);
const spec: RunSpec = {
  limits: defaultLimits,
  diagnostics: [],
  policy: { layers: [] },
  catalogVersion: "cd".repeat(8),
  program: {
    code,
    compiled: { js: code, positions: { encoded: "" } },
    compileMs: 6,
    input: null,
    approval: "park",
  },
};

const usage: RunUsage = {
  wallMs: 20,
  cpuMs: 4,
  queueMs: 0,
  compileMs: 6,
  toolCalls: CALLS,
  logBytes: 0,
  peakHeapBytes: 100,
};
