/** Workers are killed again and again under programs that change something: nobody loses anything by it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import type { Core } from "../../src/core.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { openCore, programRequest } from "../helpers/core.ts";
import { createRandom } from "../helpers/random.ts";
import { until } from "../helpers/until.ts";

const RUNS = 16;
const ROUNDS = 3;
const CALLS = 12;
/** Each kill costs the start of a process and the replay of its runs: on a busy machine many seconds. */
const PATIENCE_MS = 100_000;

/** How often each effect happened, by its token. */
const effects = new Map<string, number>();
const count = defineTool({
  name: "count",
  description: "Counts the token.",
  input: z.object({ token: z.string() }),
  async execute({ token }) {
    effects.set(token, (effects.get(token) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, createRandom(token.length).below(15)));
    return token;
  },
});

let core: Core;
beforeAll(async () => {
  core = await openCore([count], ":memory:", { sandbox: { workers: 2, queue: 64 } });
});
afterAll(() => core[Symbol.asyncDispose]());

const PROGRAM = `
  const token = (k) => ({ token: input + ":" + k });
  const out = [];
  for (let k = 1; k <= ${CALLS}; k += 3) {
    out.push(...await Promise.all([count(token(k)), count(token(k + 1))]));
    for (let i = 0, x = 0; i < 300_000; i++) x += i % 3;
    out.push(await count(token(k + 2)));
    await sleep(2);
    console.log(out.length);
  }
  return out`;

it(`a worker that is killed costs none of ${RUNS} runs its result, and no effect happens twice`, {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const random = createRandom(Date.now());
  for (let round = 0; round < ROUNDS; round++) {
    const inputs = Array.from({ length: RUNS }, (_, i) => `${round}-${i}`);
    const runs = await Promise.all(
      inputs.map((input) =>
        core.runner.start(programRequest(PROGRAM, { input, limits: { wallMs: PATIENCE_MS } })),
      ),
    );
    let over = false;
    const done = Promise.all(runs.map((run) => run.done)).finally(() => {
      over = true;
    });
    let kills = 0;
    for (let next = effects.size; !over; ) {
      await until("something more has happened", () => over || effects.size > next, PATIENCE_MS);
      next = effects.size + 10 + random.below(20);
      const pids = core.pool.stats().pids;
      const victim = pids[random.below(pids.length)];
      if (victim === undefined || over) continue;
      kills += 1;
      process.kill(victim, "SIGKILL");
    }
    for (const [i, report] of (await done).entries()) {
      const tokens = Array.from({ length: CALLS }, (_, k) => `${inputs[i]}:${k + 1}`);
      expect(report).toMatchObject({ status: "completed", error: null, result: tokens });
      expect(report.logs.map(({ text }) => text)).toEqual(["3", "6", "9", "12"]);
      expect(tokens.map((token) => effects.get(token))).toEqual(tokens.map(() => 1));
      const journal = await core.store.readJournal(report.id);
      expect(journal.filter(({ type }) => type === "started")).toHaveLength(CALLS);
      expect(journal.filter(({ type }) => type === "settled")).toHaveLength(CALLS);
    }
    expect(kills).toBeGreaterThan(2);
  }
  expect(core.pool.stats().totals.kills).toBeGreaterThan(ROUNDS);
});
