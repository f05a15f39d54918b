/** The clock of runs that wait: one timer, one query, however many there are. */
import { expect, it, onTestFinished } from "vitest";
import { createLog } from "../../../src/log.ts";
import { createExpiry } from "../../../src/runs/live/expiry.ts";
import type { WaitingRun } from "../../../src/store/store.ts";
import { until } from "../../helpers/until.ts";

const EXPIRES_MS = 1_000;

/** `waiting`: by how many milliseconds each is beyond its time. */
function open(late: readonly number[], fails: (run: string) => boolean = () => false) {
  let waiting: readonly WaitingRun[] = late
    .map((ms, index) => ({ id: `run_${index}`, waitsSince: Date.now() - EXPIRES_MS - ms }))
    .sort((a, b) => a.waitsSince - b.waitsSince);
  const expired: string[] = [];
  const ended = new Set<string>();
  let queries = 0;
  const expiry = createExpiry({
    log: createLog("silent"),
    expiresMs: EXPIRES_MS,
    store: {
      async listWaiting(limit, after) {
        queries += 1;
        const from = after === undefined ? 0 : waiting.findIndex(({ id }) => id === after.id) + 1;
        const rest = waiting.slice(from).filter(({ id }) => !ended.has(id));
        return rest.slice(0, limit);
      },
    },
    async expire(run) {
      expired.push(run);
      if (fails(run)) throw new Error("its record is damaged");
      ended.add(run);
    },
  });
  onTestFinished(() => expiry[Symbol.dispose]());
  return {
    expiry,
    expired,
    queries: () => queries,
    add(id: string, waitsSince: number) {
      waiting = [...waiting, { id, waitsSince }];
    },
  };
}

it("ends all that are beyond their time, page by page, and none that is not; one that cannot be ended holds up no other", async () => {
  const late = Array.from({ length: 120 }, (_, index) => 1_000 - index);
  const { expiry, expired, queries } = open([...late, -60_000, -90_000], (run) => run === "run_0");
  await expiry.look();
  expect(expired.toSorted()).toEqual(late.map((_, index) => `run_${index}`).sort());
  expect(queries()).toBe(3);
});

it("ends one at its time that it is told of, and the first of others that wait", async () => {
  const { expiry, expired, add } = open([-150]);
  await expiry.look();
  const soon = Date.now() - EXPIRES_MS + 50;
  add("run_told", soon);
  expiry.expect(soon);
  await until("both are over", () => expired.includes("run_told") && expired.includes("run_0"));
  expect(Date.now()).toBeGreaterThanOrEqual(soon + EXPIRES_MS);
});

it("ends nothing any more once it is disposed of", async () => {
  const { expiry, expired } = open([100]);
  expiry[Symbol.dispose]();
  await expiry.look();
  expect(expired).toEqual([]);
});
