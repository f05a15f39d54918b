/**
 * A process can end between any two events of a journal. Generated programs are run, their journals cut after every
 * event, and the next process goes on with what is left.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import type { Core } from "../../src/core.ts";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { callIdOf } from "../../src/runs/record/ids.ts";
import { readState, statusAfter } from "../../src/runs/record/run-state.ts";
import type { Runner } from "../../src/runs/runner.ts";
import { storedSummary } from "../../src/runs/summary/run-summary.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store, StoredRun } from "../../src/store/store.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import type { HumanDecision } from "../../src/tools/gate/gate-call.ts";
import { openCore, programRequest } from "../helpers/core.ts";
import { createRandom } from "../helpers/random.ts";
import { createRunner } from "../helpers/runner.ts";
import { until } from "../helpers/until.ts";
import { answerOf, generatedTools, generateProgram } from "./generated-programs.ts";

const PROGRAMS = process.env["SOAK"] === "1" ? 500 : 100;
const me = { principal: "local", admin: false };

interface Called {
  readonly tool: string;
  readonly args: string;
}

/** What the tools were asked since the last process began. */
let called: Called[] = [];

const tools = generatedTools.map((name) =>
  defineTool({
    name,
    description: "Answers as its arguments say.",
    input: z.object({
      program: z.number(),
      k: z.number(),
      d: z.number(),
      v: z.unknown().optional(),
      i: z.number().optional(),
    }),
    readOnly: name === "read",
    idempotent: name === "put",
    execute: async (given) => {
      const args = JSON.stringify(given);
      called.push({ tool: `local/${name}`, args });
      const { ok, text } = answerOf(name, args);
      const latencyMs = createRandom(given.d).below(4);
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      if (!ok) throw new Error(text);
      return JSON.parse(text);
    },
  }),
);

let core: Core;
beforeAll(async () => {
  core = await openCore(tools, ":memory:", { sandbox: { workers: 2, queue: 1_000, runsPerLife: 100_000 } });
});
afterAll(() => core[Symbol.asyncDispose]());

interface Told {
  readonly run: StoredRun;
  readonly events: readonly JournalEvent[];
}

async function tell(seed: number): Promise<Told> {
  const { id, done } = await core.runner.start(
    programRequest(generateProgram(seed), { input: seed, typecheck: "off" }),
  );
  await done;
  return readRun(core.store, id);
}

async function readRun(store: Store, id: string): Promise<Told> {
  const run = await store.getRun(id);
  if (run === undefined) throw new Error("the run is gone");
  return { run, events: await store.readJournal(id) };
}

it(`every run goes on from every event of its journal (${PROGRAMS} programs)`, {
  timeout: 600_000,
}, async () => {
  const told = await Promise.all(Array.from({ length: PROGRAMS }, (_, i) => tell(i + 1)));
  const longest = Math.max(...told.map(({ events }) => events.length));
  const count = { restarts: 0, inDoubt: 0 };
  for (let cut = 0; cut < longest; cut++) {
    const unfinished = told.filter(({ events }) => events.length > cut);
    await using store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
    await Promise.all(unfinished.map((run) => storeBeginning(store, run, cut)));
    called = [];
    const runner = createRunner(core, store);
    expect(await runner.recover()).toEqual({ resumed: unfinished.length, ended: 0 });
    const decisions = await decideAll(runner, store, cut);
    await runner.drain(10_000, "suspend");
    const summaries = await readSummaries(store);
    for (const { run, events } of unfinished) {
      const after = await readRun(store, run.id);
      // What lists show is derived: there is no second truth.
      expect(summaries.get(run.id)).toBe(storedSummary(readState(after.events), run.createdAt).text);
      expectGoneOn({
        before: events.slice(0, cut),
        after: after.events,
        decisions,
        where: `${run.id}, cut at ${cut}`,
      });
    }
    count.restarts += unfinished.length;
    count.inDoubt += decisions.size;
  }
  expect(count.restarts).toBeGreaterThan(PROGRAMS * 12);
  expect(count.inDoubt).toBeGreaterThan(PROGRAMS / 2);
});

async function readSummaries(store: Store): Promise<ReadonlyMap<string, string | null>> {
  const summaries = new Map<string, string | null>();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.listSummaries({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id, summary } of page.runs) summaries.set(id, summary);
    cursor = page.nextCursor;
  }
  return summaries;
}

async function storeBeginning(store: Store, { run, events }: Told, length: number): Promise<void> {
  const { status: _, ...record } = run;
  if (run.snapshot !== null) await store.putSnapshot((await core.store.getSnapshot(run.snapshot)) ?? "");
  await store.createRun(record);
  const beginning = events.slice(0, length);
  if (length > 0) await store.append(run.id, 1, beginning, statusAfter(beginning.at(-1)));
}

const kinds = ["approve", "deny", "result"] as const;

/** Until no run waits any more. Returns what was said of the calls in doubt. */
async function decideAll(
  runner: Runner,
  store: Store,
  seed: number,
): Promise<ReadonlyMap<string, HumanDecision["type"]>> {
  const random = createRandom(seed);
  const decided = new Map<string, HumanDecision["type"]>();
  await until(
    "every run has ended",
    async () => {
      const going = await store.listRuns({ statuses: ["queued", "running"], limit: 1 });
      if (going.runs.length > 0) return false;
      const approvals = await runner.reader.approvals(me);
      for (const { run, call, reason } of approvals) {
        // Another answer may have brought its run to the end.
        if ((await runner.reader.report(run, me))?.pending.length === 0) continue;
        expect(reason).toContain("in doubt");
        expect(decided.has(callIdOf(call))).toBe(false);
        const type = random.pick(kinds);
        decided.set(callIdOf(call), type);
        const decision =
          type === "result" ? ({ type, by: "me", value: "42" } as const) : ({ type, by: "me" } as const);
        await (await runner.decide({ run, call, decision, viewer: me }))?.done;
      }
      return approvals.length === 0;
    },
    60_000,
  );
  return decided;
}

interface GoneOn {
  readonly before: readonly JournalEvent[];
  readonly after: readonly JournalEvent[];
  readonly decisions: ReadonlyMap<string, HumanDecision["type"]>;
  readonly where: string;
}

function expectGoneOn({ before, after, decisions, where }: GoneOn): void {
  expect(after.slice(0, before.length), where).toEqual(before);
  const end = after.at(-1);
  if (end?.type !== "ended") throw new Error(`${where}: it has not ended`);
  expect([null, "guest_error"], where).toContain(end.error?.code ?? null);

  const settledBefore = new Set(before.flatMap((event) => (event.type === "settled" ? [event.call] : [])));
  const startedBefore = new Set(before.flatMap((event) => (event.type === "started" ? [event.call] : [])));
  for (const requested of after) {
    if (requested.type !== "requested") continue;
    const { call, tool, args } = requested;
    const events = after.filter((event) => "call" in event && event.call === call);
    const made = called.filter((one) => one.tool === tool && one.args === args).length;
    const started = events.filter((event) => event.seq > before.length && event.type === "started").length;
    const what = `${where}, ${call}`;
    expect(made, what).toBeLessThanOrEqual(started);
    expect(started, what).toBeLessThanOrEqual(1);
    // One that is under way when its program ends may not have left any more.
    if (events.at(-1)?.type === "settled") expect(made, what).toBe(started);
    if (settledBefore.has(call)) expect(made, what).toBe(0);
    // Nobody knows whether it happened, and only a person may have it happen again.
    const isInDoubt = tool === "local/write" && startedBefore.has(call) && !settledBefore.has(call);
    if (isInDoubt && decisions.get(call) !== "approve") expect(made, what).toBe(0);
    if (!isInDoubt) expect(decisions.has(call), what).toBe(false);
  }
}
