/** Time, chance and place: all a program can know of them comes from its run, so that a replay is exact. */
import { describe, expect, it } from "vitest";
import { createWorkerPool } from "../../sandbox/index.ts";
import { resultOf, runProgram } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";
import { noRoute } from "./helpers/routes.ts";

const { attack } = openArena();

/** Long ago, so that a reading of the real clock is seen in any format. */
const LONG_AGO = Date.UTC(2001, 1, 3, 4, 5, 6);

describe("the clock", () => {
  attack({
    ...noRoute(
      "no reading shows another time than that of the run",
      {
        "Date.now": "other(Date.now())",
        "new Date": "other(+new Date())",
        "Date()": "other(Date.parse(Date()))",
        "a subclass": "other(+new (class extends Date {})())",
        "Reflect.construct": "other(Reflect.construct(Date, []).getTime())",
        "Date.prototype.constructor": "other(+new Date.prototype.constructor())",
        "the constructor of a date": "other(new Date(0).constructor.now())",
        "the parent of a subclass": "other(Object.getPrototypeOf(class extends Date {}).now())",
        "another new target": "other(Date.prototype.getTime.call(Reflect.construct(Date, [], Object)))",
        "an undefined argument": "Number.isFinite(+new Date(undefined))",
        "Intl format": "format.format() !== '2001'",
        "Intl format of undefined": "format.format(undefined) !== '2001'",
        "Intl formatToParts": "textOf(format.formatToParts()) !== '2001'",
        "Intl formatToParts of undefined": "textOf(format.formatToParts(undefined)) !== '2001'",
        "a bound Intl format": "[undefined].map(format.format)[0] !== '2001'",
        Temporal: "other(Temporal.Now.instant().epochMilliseconds)",
        performance: "other(performance.timeOrigin + performance.now())",
      },
      `const format = new Intl.DateTimeFormat("en-US", { year: "numeric" });
       const textOf = (parts) => parts.map((part) => part.value).join("");
       const other = (reading) => !(Math.abs(reading - ${LONG_AGO}) <= 1_000);`,
    ),
    startedAt: LONG_AGO,
  });

  attack({
    claim: "it stands still while the program computes, but for a microsecond a reading",
    code: `const start = Date.now();
      for (let i = 0, n = 0; i < 2e7; i++) n = (n * 31 + i) | 0;
      const computed = Date.now() - start;
      let readings = 0;
      while (Date.now() < start + 2) readings += 1;
      return [computed, readings > 1_900 && readings < 2_100]`,
    startedAt: LONG_AGO,
    expect: { result: [0, true] },
  });

  attack({
    claim: "it moves with every timer and every answer",
    code: `const start = Date.now();
      await sleep(30);
      const slept = Date.now() - start;
      await lab.slow({});
      return [slept >= 29, Date.now() - start - slept >= 29, Date.now() - start < 5_000]`,
    tools: { slow: () => new Promise((resolve) => setTimeout(resolve, 30)) },
    expect: { result: [true, true, true] },
  });

  attack({
    claim: "it never goes back, though readings have carried it beyond the clock of the host",
    code: `let last = 0;
      for (let i = 0; i < 3e6; i++) last = Date.now();
      await lab.echo({});
      return Date.now() >= last`,
    expect: { result: true },
  });
});

describe("answers", () => {
  attack({
    claim: "that arrive together come one by one: all that one leads to is done before the next",
    code: `const order = [];
      const follow = async (name, call) => { await call; for (let i = 0; i < 20; i++) await null; order.push(name) };
      await Promise.all(["a", "b", "c", "d"].map((name) => {
        const call = lab.together({ name });
        call.then(() => order.push(name + " came"));
        return follow(name, call);
      }));
      return order`,
    tools: { together: together(4) },
    expect: { result: ["a came", "a", "b came", "b", "c came", "c", "d came", "d"] },
  });
});

describe("where the worker runs", () => {
  it("the time zone is UTC, whatever a wrapper puts into its environment", async () => {
    await using pool = await createWorkerPool({ workers: 1, wrapper: ["env", "TZ=Asia/Tokyo"] });
    const run = await runProgram(
      pool,
      "return [new Date(0).getTimezoneOffset(), new Date(0).getHours(), new Intl.DateTimeFormat().resolvedOptions().timeZone]",
    );
    expect(resultOf(run)).toEqual([0, 0, "UTC"]);
  });

  it("a wrapper that sets another locale is refused: programs would sort and format by it", async () => {
    const wrapper = ["env", "LC_ALL=de_DE.UTF-8"];
    await expect(createWorkerPool({ workers: 1, wrapper })).rejects.toThrow(/LC_ALL and LANG unset/);
  });
});

/** Answers no call before so many have come, and then all in one turn. */
function together(many: number): () => Promise<unknown> {
  const all = Promise.withResolvers<null>();
  let came = 0;
  return () => {
    came += 1;
    if (came === many) all.resolve(null);
    return all.promise;
  };
}
