import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createWorkerPool,
  defaultLimits,
  type EngineHistory,
  type EngineOutcome,
  type EngineRequest,
  type GuestLog,
  type HistoryEntry,
  type Hold,
  type RunHost,
  type RunLimits,
  type Settlement,
  SUSPEND,
  type WorkerPool,
} from "../../sandbox/index.ts";
import { warningsOf } from "../helpers/engine.ts";
import { programOf } from "../helpers/recording.ts";
import { until } from "../helpers/until.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const EPOCH = Date.UTC(2026, 0, 1);

/** What an earlier process knew. Entries are one second apart. */
function history(
  steps: readonly (
    | { readonly asked: string | number }
    | { readonly told: number; readonly value?: unknown; readonly timer?: true }
    | { readonly said: string }
  )[],
  used: Partial<EngineHistory["used"]> & { readonly startedAt?: number } = {},
): EngineHistory {
  const requests = new Map<number, EngineRequest>();
  const entries: HistoryEntry[] = [];
  const logs: GuestLog[] = [];
  const startedAt = used.startedAt ?? EPOCH;
  let n = 0;
  for (const step of steps) {
    if ("said" in step) logs.push({ level: "log", text: step.said });
    else if ("asked" in step) {
      n += 1;
      if (typeof step.asked === "number") requests.set(n, { type: "timer", delayMs: step.asked });
      else requests.set(n, { type: "call", server: "local", tool: step.asked, args: "{}" });
    } else {
      const at = startedAt + (entries.length + 1) * 1_000;
      if (step.timer) entries.push({ n: step.told, kind: "timer", at, text: "" });
      else entries.push({ n: step.told, kind: "value", at, text: JSON.stringify(step.value ?? null) });
    }
  }
  return { startedAt, requests, entries, logs, used: { wallMs: used.wallMs ?? 0, cpuMs: used.cpuMs ?? 0 } };
}

interface Lived {
  readonly outcome: EngineOutcome;
  /** `tool args` of the calls that reached the host. */
  readonly calls: readonly string[];
  readonly logs: readonly string[];
}

interface LiveOptions extends Partial<Pick<RunHost, "arm" | "timer">> {
  readonly history?: EngineHistory;
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
  readonly answer?: (tool: string, n: number) => Settlement | Hold | Promise<Settlement | Hold>;
  readonly on?: WorkerPool;
}

const value = (result: unknown): Settlement => ({ type: "value", value: JSON.stringify(result) });

async function live(body: string, options: LiveOptions = {}): Promise<Lived> {
  const { limits, history: past, signal, answer = (tool) => value(tool), on = pool, ...host } = options;
  const calls: string[] = [];
  const logs: string[] = [];
  const outcome = await on.run({
    principal: "tester",
    limits: { ...defaultLimits, ...limits },
    program: programOf(body, ["read", "write", "ask"]),
    ...(past === undefined ? {} : { history: past }),
    ...(signal === undefined ? {} : { signal }),
    host: {
      ...host,
      async call({ tool, n, args }) {
        calls.push(`${tool} ${args}`);
        return await answer(tool, n);
      },
      log: ({ text }) => void logs.push(text),
    },
  });
  return { outcome, calls, logs };
}

const resultOf = ({ outcome }: Lived): unknown => {
  if (outcome.type === "completed") return JSON.parse(outcome.result);
  return outcome.type === "failed" ? `${outcome.failure.code}: ${outcome.failure.message}` : outcome.type;
};

describe("a run with a history", () => {
  it("is told what it was told, and asks the host only for what is new", async () => {
    const past = history([{ asked: "read" }, { told: 1, value: "before" }]);
    const run = await live("return [await read({}), await write({})]", { history: past });
    expect(resultOf(run)).toEqual(["before", "write"]);
    expect(run.calls).toEqual(["write {}"]);
  });

  it("makes the calls again that the history left open, in their order, when all of it is repeated", async () => {
    const past = history([
      { asked: "read" },
      { asked: "write" },
      { asked: "ask" },
      { told: 2, value: "before" },
    ]);
    const run = await live("return await Promise.all([read({}), write({}), ask({}), write({})])", {
      history: past,
    });
    expect(resultOf(run)).toEqual(["read", "before", "ask", "write"]);
    expect(run.calls).toEqual(["read {}", "ask {}", "write {}"]);
  });

  it("has the times of its history, not those of the clock on the wall", async () => {
    const past = history([{ asked: "read" }, { told: 1 }]);
    const body =
      "const start = Date.now(); await read({}); const then = Date.now(); await read({}); return [start, then, Date.now()]";
    const [start, then, now] = resultOf(await live(body, { history: past })) as number[];
    expect([start, then]).toEqual([EPOCH, EPOCH + 1_000]);
    expect(now).toBeGreaterThan(Date.UTC(2026, 1, 1));
  });

  it("prints nothing twice", async () => {
    const past = history([{ said: "one" }, { asked: "read" }, { told: 1 }]);
    const body =
      "console.log('one'); await read({}); console.log('two'); await read({}); console.log('three')";
    expect((await live(body, { history: past })).logs).toEqual(["two", "three"]);
  });

  it("that its entries bring to the end asks for nothing more", async () => {
    const past = history([{ asked: "read" }, { asked: "write" }, { told: 1, value: "first" }]);
    const run = await live("return await Promise.race([read({}), write({})])", { history: past });
    expect(resultOf(run)).toBe("first");
    expect(run.calls).toEqual([]);
    expect(warningsOf(run)).toEqual([expect.stringMatching(/write was still open/)]);
  });

  it("that its entries bring to an error fails with it", async () => {
    const past = history([{ asked: "read" }, { told: 1, value: 5 }]);
    const run = await live("throw new Error('was ' + await read({}))", { history: past });
    expect(resultOf(run)).toBe("guest_error: Error: was 5");
  });
});

describe("timers of a history", () => {
  const armed = (): { readonly left: number[]; readonly arm: NonNullable<RunHost["arm"]> } => {
    const left: number[] = [];
    return {
      left,
      arm(_timer, leftMs, fire) {
        left.push(leftMs);
        queueMicrotask(fire);
        return () => undefined;
      },
    };
  };

  it("get the time that they have left", async () => {
    const past = history([], { startedAt: Date.now() - 4_000 });
    const { left, arm } = armed();
    expect(resultOf(await live("await sleep(10_000); return 'rang'", { history: past, arm }))).toBe("rang");
    expect(left).toHaveLength(1);
    expect(left[0]).toBeLessThanOrEqual(6_000);
    expect(left[0]).toBeGreaterThan(4_000);
  });

  it("count from the entry in which they were set", async () => {
    const past = history([{ asked: "read" }, { told: 1 }], { startedAt: Date.now() - 4_000 });
    const { left, arm } = armed();
    await live("await read({}); await sleep(10_000)", { history: past, arm });
    expect(left[0]).toBeLessThanOrEqual(7_000);
    expect(left[0]).toBeGreaterThan(6_000);
  });

  it("that fell due meanwhile fire at once, in the order in which they would have", async () => {
    const past = history([], { startedAt: Date.now() - 60_000 });
    const body = `const rang = [];
      setTimeout(() => rang.push("late"), 2_000);
      setTimeout(() => rang.push("early"), 1_000);
      await sleep(3_000);
      return rang`;
    const run = await live(body, { history: past });
    expect(resultOf(run)).toEqual(["early", "late"]);
    expect(run.outcome.usage.wallMs).toBeLessThan(1_000);
  });

  it("that were cleared are not armed", async () => {
    const past = history([{ asked: "read" }, { told: 1 }]);
    const { left, arm } = armed();
    const body =
      "const t = setTimeout(() => console.log('rang'), 0); await read({}); clearTimeout(t); await write({})";
    expect((await live(body, { history: past, arm })).logs).toEqual([]);
    expect(left).toEqual([]);
  });

  it("that fired while they were being cleared stay without effect", async () => {
    const past = history([
      { asked: "read" },
      { asked: 5 },
      { told: 1 },
      { told: 2, timer: true },
      { asked: "write" },
    ]);
    const body =
      "const call = read({}); const t = setTimeout(() => console.log('rang'), 5); await call; clearTimeout(t); return await write({})";
    const run = await live(body, { history: past });
    expect(resultOf(run)).toBe("write");
    expect(run.logs).toEqual([]);
  });
});

describe("what a run used before counts", () => {
  it("against its time on the clock", async () => {
    const past = history([], { wallMs: 59_800 });
    const run = await live("await sleep(30_000)", { history: { ...past, startedAt: Date.now() } });
    expect(resultOf(run)).toContain("wall_timeout: The program took longer than 60000 ms.");
    expect(run.outcome.usage.wallMs).toBeGreaterThan(59_990);
    expect(run.outcome.usage.wallMs).toBeLessThan(61_000);
  });

  /** Thirty million steps of a loop: no machine does them in this time, and none says how long they take on it. */
  const BURN = "{ let x = 0; for (let i = 0; i < 30_000_000; i++) x += i % 7; }";
  const LEAST_MS = 5;

  it("against its CPU time, once", async () => {
    const body = `${BURN} await ask({}); return 'done'`;
    const holds = (): Hold => ({ type: "held", decided: new Promise(() => undefined) });
    const first = await live(body, { answer: holds });
    expect(first.outcome.usage.cpuMs).toBeGreaterThan(LEAST_MS);
    // It costs less than it is said to have cost before, so a sum, and nothing else, would be more than that.
    const before = 10 * first.outcome.usage.cpuMs + 10_000;
    let cpuMs = before;
    for (let again = 0; again < 5; again++) {
      const { outcome } = await live(body, {
        limits: { cpuMs: 2 * before },
        history: history([{ asked: "ask" }], { cpuMs }),
        answer: holds,
      });
      expect(outcome.type).toBe("parked");
      expect(outcome.usage.cpuMs).toBeGreaterThanOrEqual(cpuMs);
      cpuMs = outcome.usage.cpuMs;
    }
    expect(cpuMs - before).toBeLessThan(LEAST_MS);
  });

  it("also where the figure was lost with its process", async () => {
    const body = `${BURN} await ask({}); return 'done'`;
    const again = await live(body, { history: history([{ asked: "ask" }]) });
    expect(again.outcome.usage.cpuMs).toBeGreaterThan(LEAST_MS);
  });

  it("against its tool calls", async () => {
    const past = history([{ asked: "read" }, { told: 1 }, { asked: "read" }, { told: 2 }]);
    const run = await live("for (;;) await read({})", { history: past, limits: { toolCalls: 3 } });
    expect(resultOf(run)).toContain("too_many_calls");
    expect(run.calls).toEqual(["read {}"]);
    expect(run.outcome.usage.toolCalls).toBe(3);
  });

  it("against its console", async () => {
    const past = history([{ said: "1" }, { said: "2" }, { asked: "read" }, { told: 1 }]);
    const body = "console.log('1'); console.log('2'); await read({}); console.log('3'); console.log('4')";
    const run = await live(body, { history: past, limits: { logLines: 3 } });
    expect(run.logs).toEqual(["[output cut here: 1 line, 1 character left out]", "4"]);
  });

  it("and of a long output, what an earlier version passed on at once is the same", async () => {
    const past = history([{ said: "1" }, { said: "2" }, { said: "3" }, { asked: "read" }, { told: 1 }]);
    const body =
      "for (const each of [1, 2, 3]) console.log(each); await read({}); await read({}); return 'done'";
    const run = await live(body, { history: past, limits: { logLines: 4 } });
    expect(resultOf(run)).toBe("done");
    expect(run.logs).toEqual([]);
  });
});

describe("a program that is not the one of its history", () => {
  const past = history([{ said: "hello" }, { asked: "read" }, { told: 1, value: 1 }, { asked: "write" }]);
  const body = "console.log('hello'); await read({}); return await write({})";

  it("is the same when nothing was changed", async () => {
    expect(resultOf(await live(body, { history: past }))).toBe("write");
  });

  const changes: readonly (readonly [change: string, body: string, words: string])[] = [
    [
      "calls another tool",
      body.replace("read", "ask"),
      "called local/ask with {}; its history says that it called local/read with {}",
    ],
    [
      "has other arguments",
      body.replace("read({})", "read({ a: 1 })"),
      'called local/read with {"a":1}; its history says that it called local/read with {}',
    ],
    [
      "sets a timer instead",
      body.replace("read({})", "sleep(7)"),
      "set a timer of 7 ms; its history says that it called local/read with {}",
    ],
    [
      "does not come to a call",
      "console.log('hello'); await read({}); await sleep(1)",
      "step 2 the program set a timer of 1 ms; its history says that it called local/write with {}",
    ],
    [
      "ends before a call",
      "console.log('hello'); await read({}); return 1",
      "called local/write with {}; this time it did not come to that",
    ],
    [
      "fails before a call",
      "console.log('hello'); await read({}); throw 1",
      "called local/write with {}; this time it did not come to that",
    ],
    [
      "ends before what it was told",
      "console.log('hello'); return 1",
      "called local/write with {}; this time it did not come to that",
    ],
    [
      "prints something else",
      body.replace("hello", "hallo"),
      "printed hallo; its history says that it printed hello",
    ],
    ["prints nothing", body.replace("console.log('hello');", ""), "printed hello; this time it did not"],
  ];
  it.each(changes)("ends with diverged when it %s, and nothing is done", async (_change, other, words) => {
    const run = await live(other, { history: past });
    expect(resultOf(run)).toContain("diverged: The program did not repeat its own history: ");
    expect(resultOf(run)).toContain(words);
    expect(run.calls).toEqual([]);
  });

  it("may ask for what does not exist by names with slashes", async () => {
    const requests = new Map<number, EngineRequest>([
      [1, { type: "call", server: "a", tool: "b/c", args: "{}" }],
    ]);
    const run = await live("return await tools['a/b'].c({})", { history: { ...history([]), requests } });
    expect(resultOf(run)).toBe("c");
  });
});

describe("a call that waits for a person", () => {
  const decidable = (): { readonly hold: Hold; readonly decide: (result: unknown) => void } => {
    const { promise: decided, resolve } = Promise.withResolvers<() => Promise<Settlement>>();
    return { hold: { type: "held", decided }, decide: (result) => resolve(async () => value(result)) };
  };

  it("and is decided while something else is in flight goes on in the same lease", async () => {
    const { hold, decide } = decidable();
    const slow = Promise.withResolvers<Settlement>();
    const run = live("return await Promise.all([ask({}), read({})])", {
      answer: (tool) => (tool === "ask" ? hold : slow.promise),
    });
    decide("yes");
    slow.resolve(value("slow"));
    expect(resultOf(await run)).toEqual(["yes", "slow"]);
  });

  it("parks its run when nothing else is left, which goes on from its history with the answer", async () => {
    const body =
      "const before = await read({}); const said = await ask({}); return [before, said, await write({})]";
    const parked = await live(body, { answer: (tool) => (tool === "ask" ? decidable().hold : value(tool)) });
    expect(parked.outcome.type).toBe("parked");
    const past = history([{ asked: "read" }, { told: 1, value: "read" }, { asked: "ask" }]);
    const again = await live(body, { history: past, answer: (tool) => value(`${tool}!`) });
    expect(resultOf(again)).toEqual(["read", "ask!", "write!"]);
    expect(again.calls).toEqual(["ask {}", "write {}"]);
  });

  it("parks its run with the end of a long output, which the program prints again when it goes on", async () => {
    const body = "for (let i = 0; i < 9; i++) console.log(i); return await ask({})";
    const limits = { logLines: 4 };
    const parked = await live(body, { limits, answer: () => decidable().hold });
    const mark = "[output cut here: 5 lines, 5 characters left out]";
    expect(parked.logs).toEqual(["0", "1"]);
    expect(parked.outcome).toMatchObject({
      type: "parked",
      lastLogs: [mark, "7", "8"].map((text) => ({ level: "log", text })),
    });
    const past = history([{ said: "0" }, { said: "1" }, { asked: "ask" }]);
    expect((await live(body, { limits, history: past })).logs).toEqual([mark, "7", "8"]);
  });

  it("and is still undecided parks its run again", async () => {
    const past = history([{ asked: "ask" }]);
    const run = await live("return await ask({})", { history: past, answer: () => decidable().hold });
    expect(run.outcome.type).toBe("parked");
  });

  it("does not park a run whose timer is armed", async () => {
    const { hold, decide } = decidable();
    const run = live("const said = ask({}); await sleep(30); return await said", { answer: () => hold });
    await until("the run is under way", () => pool.stats().runs.running === 1);
    decide("yes");
    expect(resultOf(await run)).toBe("yes");
  });
});

describe("a suspended run", () => {
  it("ends without an end, wherever it was, and its calls are aborted", async () => {
    const abort = new AbortController();
    const asked = Promise.withResolvers<void>();
    const run = live("return await read({})", {
      signal: abort.signal,
      answer: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    });
    await asked.promise;
    abort.abort(SUSPEND);
    expect((await run).outcome.type).toBe("suspended");
    await until("its place is free", () => pool.stats().runs.running === 0);
  });

  it("can be one that has not begun, or was suspended before", async () => {
    const run = await live("return 1", { signal: AbortSignal.abort(SUSPEND) });
    expect(run.outcome.type).toBe("suspended");
  });

  it("can be one that repeats its history", async () => {
    const abort = new AbortController();
    const run = live("for (;;) await read({})", {
      history: history([{ asked: "read" }]),
      signal: abort.signal,
    });
    abort.abort(SUSPEND);
    expect((await run).outcome.type).toBe("suspended");
    expect((await run).calls).toEqual([]);
  });
});

describe("a worker that dies", () => {
  it("while a run repeats its history costs the run nothing", async () => {
    await using own = await createWorkerPool({ workers: 1 });
    const steps = Array.from({ length: 200 }, (_, i) => [
      { asked: "read" },
      { told: i + 1, value: i },
    ]).flat();
    const body = `let sum = 0;
      for (let i = 0; i < 200; i++) { sum += await read({}); for (let j = 0; j < 100_000; j++) sum += j % 2 ? 1 : -1; }
      console.log("repeated");
      return [sum, await write({})]`;
    const run = live(body, { history: history(steps), on: own });
    await until("it is under way", () => own.stats().runs.running === 1);
    for (const pid of own.stats().pids) process.kill(pid, "SIGKILL");
    const { outcome, calls, logs } = await run;
    expect(outcome).toMatchObject({ type: "completed", result: JSON.stringify([19_900, "write"]) });
    expect(calls).toEqual(["write {}"]);
    expect(logs).toEqual(["repeated"]);
    expect(own.stats().totals.kills).toBeGreaterThan(0);
  });
});
