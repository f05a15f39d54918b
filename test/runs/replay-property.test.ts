/** Runs are journals: whatever a program does, told the same in the same order it does the same again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createWorkerPool,
  type EngineOutcome,
  type EngineRequest,
  type GuestLog,
  type Settlement,
  type WorkerPool,
} from "../../sandbox/index.ts";
import { inLanes } from "../helpers/lanes.ts";
import { createRandom } from "../helpers/random.ts";
import { entriesOf, historyOf, programOf, type Recording, record, retell } from "../helpers/recording.ts";
import { answerOf, generatedTools, generateProgram } from "./generated-programs.ts";

const PROGRAMS = process.env["SOAK"] === "1" ? 5_000 : 1_000;
/** Runs under way at once: enough for two workers. */
const LANES = 16;

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 2, runsPerLife: 100_000 });
});
afterAll(() => pool[Symbol.asyncDispose]());

function recordGenerated(seed: number): Promise<Recording> {
  const random = createRandom(seed);
  const program = programOf(generateProgram(seed), generatedTools, String(seed));
  return record(pool, program, async ({ server, tool, args }): Promise<Settlement> => {
    const { ok, text } = answerOf(tool, args);
    const latencyMs = random.below(7);
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (ok) return { type: "value", value: text };
    return { type: "error", error: { kind: "tool", message: text, server, tool } };
  });
}

const endOf = ({ type, ...outcome }: EngineOutcome): unknown => ({
  type,
  ...("result" in outcome ? { result: outcome.result } : {}),
  ...("failure" in outcome ? { failure: outcome.failure } : {}),
});

describe("a program with a history", () => {
  it(`goes on from every entry as it did the first time (${PROGRAMS} programs)`, {
    timeout: 600_000,
  }, async () => {
    const count = { replays: 0, completed: 0, outOfOrder: 0 };
    await inLanes(LANES, seeds(PROGRAMS), async (seed) => {
      const recording = await recordGenerated(seed);
      const entries = entriesOf(recording);
      if (recording.outcome.type === "completed") count.completed += 1;
      if (entries.some(({ n }, k) => n < (entries[k - 1]?.n ?? 0))) count.outOfOrder += 1;
      for (const cut of cutsOf(recording, seed)) {
        await expectSameAgain(recording, cut, seed);
        count.replays += 1;
      }
    });
    // The programs are what they should be: answers come in any order, and most programs come to their end.
    expect(count.completed).toBeGreaterThan(PROGRAMS * 0.8);
    expect(count.outOfOrder).toBeGreaterThan(PROGRAMS * 0.3);
    expect(count.replays).toBeGreaterThan(PROGRAMS * 4);
  });
});

describe("a history that is not the program's own", () => {
  const CONTROLS = 100;
  const diverged = (outcome: EngineOutcome): string | undefined =>
    outcome.type === "failed" && outcome.failure.code === "diverged" ? outcome.failure.message : undefined;

  it("ends the run where it begins to differ, with the difference, and nothing is done", {
    timeout: 120_000,
  }, async () => {
    let controls = 0;
    await inLanes(LANES, seeds(CONTROLS), async (seed) => {
      const recording = await recordGenerated(seed);
      const history = historyOf(recording);
      const [n, call] = [...history.requests].find(([, { type }]) => type === "call") ?? [0, undefined];
      if (call?.type !== "call") return;
      controls += 1;

      const otherProgram = programOf(
        generateProgram(seed).replace("let digest = 7", "let digest = 8"),
        generatedTools,
        String(seed),
      );
      const otherArgs = new Map(history.requests).set(n, { ...call, args: '{"k":1000}' });
      const byProgram = await retell(pool, recording, { history, program: otherProgram });
      const byArgs = await retell(pool, recording, { history: { ...history, requests: otherArgs } });

      expect(diverged(byProgram.outcome), `program ${seed}`).toContain("its history says that");
      expect(diverged(byArgs.outcome), `program ${seed}`).toContain(
        `with ${call.args}; its history says that it called local/${call.tool} with {"k":1000}`,
      );
      for (const { asked, told } of [byProgram, byArgs]) expect([asked.size, told.length]).toEqual([0, 0]);
    });
    expect(controls).toBeGreaterThan(CONTROLS * 0.9);
  });

  it("is noticed when two answers are swapped, wherever that made a difference", {
    timeout: 120_000,
  }, async () => {
    const count = { swapped: 0, diverged: 0 };
    await inLanes(LANES, seeds(CONTROLS / 2), async (seed) => {
      const recording = await recordGenerated(seed);
      const history = historyOf(recording);
      const at = history.entries.findIndex(({ n }, k) => k > 0 && n !== history.entries[k - 1]?.n);
      const [one, other] = [history.entries[at - 1], history.entries[at]];
      if (one === undefined || other === undefined) return;
      count.swapped += 1;
      const entries = history.entries
        .with(at - 1, { ...other, at: one.at })
        .with(at, { ...one, at: other.at });
      const { outcome, asked } = await retell(pool, recording, {
        history: { ...history, entries },
        limits: { wallMs: 2_000 },
      });
      if (diverged(outcome) !== undefined) {
        count.diverged += 1;
        expect(asked.size).toBe(0);
      }
    });
    expect(count.swapped).toBeGreaterThan(CONTROLS * 0.4);
    expect(count.diverged).toBeGreaterThan(count.swapped * 0.5);
  });
});

function* seeds(count: number): Generator<number> {
  for (let seed = 1; seed <= count; seed++) yield seed;
}

/** One place in the record after each entry, and one before the first: somewhere before the next entry. */
function cutsOf({ seen }: Recording, seed: number): readonly number[] {
  const random = createRandom(seed);
  const after = [0, ...seen.flatMap((each, index) => (each.type === "told" ? [index + 1] : []))];
  return after.map((from, k) => {
    const until = after[k + 1] === undefined ? seen.length : (after[k + 1] ?? 0) - 1;
    return from + random.below(until - from + 1);
  });
}

async function expectSameAgain(recording: Recording, cut: number, seed: number): Promise<void> {
  const where = `program ${seed}, cut at ${cut} of ${recording.seen.length}`;
  const history = historyOf(recording, cut);
  const again = await retell(pool, recording, { history });

  expect(endOf(again.outcome), where).toEqual(endOf(recording.outcome));
  expect([...history.logs, ...again.logs], where).toEqual(saidIn(recording));
  const told = [...history.entries.map(({ n }) => n), ...again.told];
  // What the host said after the program's end need not be said again.
  expect(told, where).toEqual(
    entriesOf(recording)
      .map(({ n }) => n)
      .filter((n) => !again.skipped.has(n))
      .slice(0, told.length),
  );
  const settled = new Set(history.entries.map(({ n }) => n));
  const asked = new Map([...askedIn(recording)].filter(([n]) => !settled.has(n)));
  for (const [n, request] of again.asked) expect(asked.get(n), where).toEqual(request);
  // A timer that the history cleared is not armed again, and a program that the history ends asks for nothing more.
  const missed = [...asked].filter(([n, { type }]) => type === "call" && !again.asked.has(n));
  if (again.told.length > 0) expect(missed, where).toEqual([]);
}

const saidIn = ({ seen }: Recording): readonly GuestLog[] =>
  seen.flatMap((each) => (each.type === "said" ? [each.log] : []));

const askedIn = ({ seen }: Recording): ReadonlyMap<number, EngineRequest> =>
  new Map(seen.flatMap((each) => (each.type === "asked" ? [[each.n, each.request]] : [])));
