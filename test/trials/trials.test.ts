/**
 * Random trials: some client asks for something, something goes wrong at some moment, and afterwards every claim is
 * checked. `TRIAL_SEED=123 npx vitest run test/trials` repeats one of them, in a house of its own.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { isRunning } from "../e2e/cli-process.ts";
import { createRandom } from "../helpers/random.ts";
import { until } from "../helpers/until.ts";
import { chooseErrand } from "./helpers/errands.ts";
import { faults } from "./helpers/faults.ts";
import { House } from "./helpers/house.ts";
import { measureLiveliness } from "./helpers/liveliness.ts";
import { expectEffectsRecorded, expectServing, expectTold, now, settle } from "./helpers/truth.ts";

const replayed = process.env["TRIAL_SEED"];
const isSoak = process.env["SOAK"] === "1";
const TRIALS = isSoak ? 1_000 : 60;
/** Houses side by side. */
const LANES = 2;
const firstSeed = replayed === undefined ? Date.now() % 1_000_000_000 : Number(replayed);
const seeds = Array.from({ length: replayed === undefined ? TRIALS : 1 }, (_, index) => firstSeed + index);

/** A program is under way for about as long. */
const LATEST_FAULT_MS = 150;
const SERVES_WITHIN_MS = 5_000;
/** An idle start takes about half a second; a machine on which it takes ten times as long gets that much more time. */
const USUAL_START_MS = 600;
/** Of a gateway with one worker: two workers, two compilers, and two processes of each compiler; some are on their way out. */
const MOST_PROCESSES = 14;
const MOST_DESCRIPTORS_MORE = 40;
const MOST_RSS_MB = 600;
const LIVELINESS_MS = 60_000;
const MOST_P99_MS = 100;
/** So long an idle process takes at most on a machine that is busy with this test alone. */
const USUAL_IDLE_P99_MS = 15;

test(`${seeds.length} random trials: effects are recorded, answers are true, the gateway serves, and nothing grows`, {
  timeout: 3_600_000,
}, async () => {
  console.log(`trials ${firstSeed}–${firstSeed + seeds.length - 1}; one again: TRIAL_SEED=${firstSeed}`);
  const lanes = Array.from({ length: Math.min(LANES, seeds.length) }, (_, lane) =>
    seeds.filter((_seed, index) => index % LANES === lane),
  );
  await Promise.all(lanes.map(liveThrough));
});

// A minute, and a machine that does nothing else: too much for each time all tests run.
if (isSoak)
  test("/livez answers within 100 ms in 99 of 100 cases while programs do their worst", {
    timeout: 300_000,
  }, async () => {
    await using house = await House.open(newFolder());
    const { p99Ms, idleP99Ms, ownP99Ms, runs, summary } = await measureLiveliness(house, LIVELINESS_MS);
    console.log(summary);
    expect(runs).toBeGreaterThan(0);
    expect(ownP99Ms).toBeLessThanOrEqual(MOST_P99_MS);
    expect(p99Ms).toBeLessThanOrEqual(MOST_P99_MS * Math.max(1, idleP99Ms / USUAL_IDLE_P99_MS));
  });

async function liveThrough(own: readonly number[]): Promise<void> {
  const folder = newFolder();
  const startedAt = performance.now();
  await using house = await House.open(folder);
  const slowness = Math.ceil((performance.now() - startedAt) / USUAL_START_MS);
  await expectServing(house, SERVES_WITHIN_MS * slowness);
  const first = sizeOf(house);
  let answered = 0;
  for (const seed of own) if (await tryOut(house, seed, SERVES_WITHIN_MS * slowness)) answered += 1;
  // They were trials of something: most clients were answered, and much happened.
  if (own.length > 1) expect(answered).toBeGreaterThanOrEqual(own.length / 2);
  const effects = house.world.effects().length;
  if (own.length > 1) expect(effects).toBeGreaterThan(own.length);

  await until("its processes are as few as before", () => house.processes().length <= MOST_PROCESSES);
  const last = sizeOf(house);
  expect(last.descriptors).toBeLessThan(first.descriptors + MOST_DESCRIPTORS_MORE);
  expect(last.rssMb).toBeLessThan(MOST_RSS_MB);
  console.log(`${own.length} trials: ${answered} answered, ${effects} effects; now ${JSON.stringify(last)}`);
  const processes = house.processes();
  expect(await house.end("SIGTERM")).toBe(0);
  expect(processes.filter(isRunning)).toEqual([]);
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-trials-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns whether the client had an answer. */
async function tryOut(house: House, seed: number, servesWithinMs: number): Promise<boolean> {
  const random = createRandom(seed);
  const errand = chooseErrand(random, seed);
  const [name, fault] = random.pick(Object.entries(faults) as [[string, (typeof faults)[string] & object]]);
  const momentMs = random.below(LATEST_FAULT_MS);
  try {
    const start = now(house);
    const client = new AbortController();
    const answered = errand.go(() => house.url, client.signal).catch(() => ({ type: "none" }) as const);
    await setTimeout(momentMs);
    await fault({ house, random, leave: () => client.abort() });
    await expectServing(house, servesWithinMs);
    const answer = await answered;
    await settle(house, start);
    await expectEffectsRecorded(house, start);
    await expectTold(house, answer);
    // Asking again has done nothing again.
    await settle(house, start);
    await expectEffectsRecorded(house, start);
    return answer.type !== "none";
  } catch (error) {
    const message = `${errand.name}; ${name} after ${momentMs} ms. Again: TRIAL_SEED=${seed}`;
    throw new Error(
      `${message}\n${error instanceof Error ? error.message : String(error)}\n${house.stderr}`,
      {
        cause: error,
      },
    );
  }
}

function sizeOf({ pid }: House): { readonly descriptors: number; readonly rssMb: number } {
  const rssKb = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, rssMb: Number(rssKb) / 1024 };
}
