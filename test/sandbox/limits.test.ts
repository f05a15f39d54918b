import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createWorkerPool, defaultLimits, resolveLimits, type WorkerPool } from "../../sandbox/index.ts";
import { cpuMs } from "../escape/helpers/processes.ts";
import { codeOf, resultOf, runProgram } from "../helpers/engine.ts";
import { until } from "../helpers/until.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

/** Whatever a program did: the next one runs, no queue is left, and the workers are all back. */
afterEach(async () => {
  expect(resultOf(await runProgram(pool, "return 1"))).toBe(1);
  await until("the workers are back", () => {
    const { workers, runs } = pool.stats();
    return workers.ready === workers.wanted && runs.running === 0 && runs.queued === 0;
  });
});

describe("a program that takes too much", () => {
  it("time on the clock ends with wall_timeout", async () => {
    expect(codeOf(await runProgram(pool, "await sleep(60_000)", { limits: { wallMs: 50 } }))).toBe(
      "wall_timeout",
    );
  });

  it("CPU in a loop ends with cpu_timeout, before and after an await", async () => {
    expect(codeOf(await runProgram(pool, "for (;;);", { limits: { cpuMs: 50 } }))).toBe("cpu_timeout");
    expect(codeOf(await runProgram(pool, "await sleep(1); for (;;);", { limits: { cpuMs: 50 } }))).toBe(
      "cpu_timeout",
    );
    const promises = "const spin = () => Promise.resolve().then(spin); spin(); await new Promise(() => {})";
    expect(codeOf(await runProgram(pool, promises, { limits: { cpuMs: 50 } }))).toBe("cpu_timeout");
  });

  it("CPU in many short entries ends with cpu_timeout: entries are summed", async () => {
    const body = "for (;;) { await lab.tick({}); let n = 0; for (let i = 0; i < 1e6; i++) n += i }";
    const run = await runProgram(pool, body, {
      tools: { tick: () => 1 },
      limits: { cpuMs: 150, toolCalls: 10_000 },
    });
    expect(codeOf(run)).toBe("cpu_timeout");
    expect(run.calls.length).toBeGreaterThan(2);
  });

  it("time on the clock, not of CPU, is no cpu_timeout: a busy machine may leave it waiting", async () => {
    await using idle = await createWorkerPool({ workers: 1 });
    const spin = "let n = 0; for (let i = 0; i < 1e7; i++) n = (n * 31 + i) | 0; return typeof n";
    const { outcome } = await runProgram(idle, spin, { limits: { cpuMs: 60_000 } });
    const limitMs = Math.ceil(outcome.usage.cpuMs * 2) + 50;
    const spinning = runProgram(idle, spin, { limits: { cpuMs: limitMs } });
    const worker = idle.stats().pids.reduce((one, other) => (cpuMs(one) > cpuMs(other) ? one : other));
    const before = cpuMs(worker);
    await until("the program spins", () => cpuMs(worker) > before + 20);
    process.kill(worker, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, limitMs * 1.2));
    process.kill(worker, "SIGCONT");
    expect(resultOf(await spinning)).toBe("number");
  });

  it("time in a builtin that can't be interrupted ends by SIGKILL", async () => {
    const kills = pool.stats().totals.kills;
    const run = await runProgram(pool, "return String(2n ** 30_000_000n).length", {
      limits: { wallMs: 150 },
    });
    expect(codeOf(run)).toBe("wall_timeout");
    await until("the worker was killed", () => pool.stats().totals.kills > kills);
  });

  it.each([
    ["objects", "const m = []; for (;;) m.push({ a: 1, b: [1, 2, 3] })"],
    ["arrays that V8's limit does not see", "const m = []; for (;;) m.push(new Array(1000).fill(1))"],
    ["a Map", "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })"],
    ["typed arrays", "const m = []; for (;;) m.push(new Uint8Array(1e7).fill(1))"],
  ])("memory in %s ends with memory_exceeded", async (_what, body) => {
    expect(codeOf(await runProgram(pool, body, { limits: { memoryMb: 32 } }))).toBe("memory_exceeded");
  });

  it("both, in one builtin that fills the heap, ends by the limit that V8 reaches first", async () => {
    const run = await runProgram(pool, "return Array.from({ length: 2 ** 32 - 1 }).length", {
      limits: { memoryMb: 32 },
    });
    expect(["memory_exceeded", "cpu_timeout"]).toContain(codeOf(run));
  });

  it("calls ends with too_many_calls, and the call too many is not sent", async () => {
    const body = "for (;;) await lab.tick({})";
    const run = await runProgram(pool, body, { tools: { tick: () => 1 }, limits: { toolCalls: 3 } });
    expect(codeOf(run)).toBe("too_many_calls");
    expect(run.calls).toHaveLength(3);
    expect(run.outcome.usage.toolCalls).toBe(3);
  });

  it("calls at once has the excess queued, not refused", async () => {
    let open = 0;
    let most = 0;
    const tick = async (): Promise<void> => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
    };
    const body = "return (await Promise.all(Array.from({ length: 20 }, () => lab.tick({})))).length";
    expect(
      resultOf(await runProgram(pool, body, { tools: { tick }, limits: { toolCallsInFlight: 4 } })),
    ).toBe(20);
    expect(most).toBe(4);
  });

  it("bytes of arguments has that call rejected with kind too_large", async () => {
    const body = "try { await lab.tick({ text: 'x'.repeat(200) }) } catch (error) { return error.kind }";
    expect(
      resultOf(await runProgram(pool, body, { tools: { tick: () => 1 }, limits: { toolArgsBytes: 100 } })),
    ).toBe("too_large");
  });

  it("bytes of result ends with result_too_large, counted in UTF-8", async () => {
    const limits = { resultBytes: 12 };
    expect(resultOf(await runProgram(pool, "return '0123456789'", { limits }))).toBe("0123456789");
    expect(codeOf(await runProgram(pool, "return '01234567é9'", { limits }))).toBe("result_too_large");
  });

  it("bytes of results in all ends with memory_exceeded: the gateway keeps them as long as the run may be repeated", async () => {
    const page = "x".repeat(64_000);
    let pages = 0;
    const tools = {
      page: () => {
        pages += 1;
        return page;
      },
    };
    const limits = { memoryMb: 16, toolCalls: 2_000 };
    const run = await runProgram(pool, "for (;;) await lab.page({})", { tools, limits });
    expect(resultOf(run)).toMatch(/^memory_exceeded: The arguments and results .* more than 64 MB in all/);
    expect(pages).toBe(1_049);
  });

  it("output has it cut in the middle with a visible mark, and goes on", async () => {
    const many = await runProgram(pool, "for (let i = 0; i < 9; i++) console.log(i); return 'done'", {
      limits: { logLines: 3 },
    });
    const texts = many.logs.map(({ text }) => text);
    expect(texts).toEqual(["0", "1", "[output cut here: 6 lines, 6 characters left out]", "8"]);
    expect(resultOf(many)).toBe("done");
    const long = await runProgram(pool, "console.log('ab'); console.log('é'.repeat(9)); console.log('c')", {
      limits: { logBytes: 7 },
    });
    expect(long.logs.map(({ text }) => text)).toEqual([
      "ab",
      "é[output cut here: 7 characters left out]é",
      "c",
    ]);
    expect(long.outcome.usage.logBytes).toBe(7);
  });

  it.each([
    ["returns", "", "completed"],
    ["fails", "throw new Error('over');", "guest_error"],
    ["hangs", "for (;;);", "cpu_timeout"],
    ["waits for ever", "await new Promise(() => {});", "pending_forever"],
    ["sleeps too long", "await sleep(60_000);", "wall_timeout"],
  ])("output has its end told also when the program %s", async (_, end, code) => {
    const body = `for (let i = 1; i <= 1_400; i++) console.log("line", i); ${end}`;
    const run = await runProgram(pool, body, { limits: { cpuMs: 300, wallMs: 2_000 } });
    expect(codeOf(run)).toBe(code);
    expect(run.logs.map(({ text }) => text)).toHaveProperty("length", 1_001);
    expect(run.logs[0]?.text).toBe("line 1");
    expect(run.logs[500]?.text).toBe("[output cut here: 400 lines, 3,200 characters left out]");
    expect(run.logs.at(-1)?.text).toBe("line 1400");
  });

  it("timers at once is refused inside the program", async () => {
    const body =
      "try { for (;;) setTimeout(() => {}, 1e6) } catch (error) { return error.name + ': ' + error.message }";
    expect(resultOf(await runProgram(pool, body))).toBe("RangeError: more than 1000 timers are armed");
  });
});

describe("resolveLimits", () => {
  it("fills what was not asked from the defaults", () => {
    expect(resolveLimits({ wallMs: 5 })).toEqual({ ok: true, limits: { ...defaultLimits, wallMs: 5 } });
  });

  it.each([
    [{ wallMs: 300_001 }, "above_ceiling", 300_000],
    [{ memoryMb: 7 }, "below_minimum", 8],
    [{ cpuMs: 1.5 }, "not_an_integer", 1],
  ] as const)("refuses %o as %s instead of clamping it", (asked, kind, bound) => {
    expect(resolveLimits(asked)).toMatchObject({ ok: false, problem: { kind, bound } });
  });
});
