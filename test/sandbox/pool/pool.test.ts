import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import {
  createWorkerPool,
  PoolRefusal,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../../../sandbox/index.ts";
import { codeOf, type ProgramResult, resultOf, runProgram } from "../../helpers/engine.ts";
import { until } from "../../helpers/until.ts";

let pool: WorkerPool | undefined;
afterEach(async () => {
  await pool?.[Symbol.asyncDispose]();
  pool = undefined;
});

async function open(options: WorkerPoolOptions): Promise<WorkerPool> {
  pool = await createWorkerPool(options);
  return pool;
}

/** A gate that programs wait at until the test opens it. */
function gate(): {
  readonly wait: () => Promise<string>;
  readonly open: () => void;
  readonly arrived: () => number;
} {
  const { promise, resolve } = Promise.withResolvers<string>();
  let arrived = 0;
  return {
    wait: () => {
      arrived += 1;
      return promise;
    },
    open: () => resolve("open"),
    arrived: () => arrived,
  };
}

/** A pool whose first processes become workers; `others` is what a shell does in place of those after them. */
async function openCounted(
  real: number,
  others: string,
  options: WorkerPoolOptions = { workers: 1 },
): Promise<readonly [WorkerPool, begun: () => readonly number[]]> {
  const folder = mkdtempSync(join(tmpdir(), "pool-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pids = join(folder, "pids");
  const script = `echo $$ >> ${pids}; [ $(grep -nx $$ ${pids} | cut -d: -f1) -le ${real} ] || ${others}; exec "$@"`;
  const workers = await open({ ...options, wrapper: ["/bin/sh", "-c", script, "sh"] });
  return [workers, () => readFileSync(pids, "utf8").trim().split("\n").map(Number)];
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("the pool", () => {
  it("keeps one warm worker beyond those in use", async () => {
    const workers = await open({ workers: 1 });
    await until("two workers are ready", () => workers.stats().workers.ready === 2);
    expect(workers.stats().workers.wanted).toBe(2);
  });

  it("starts large runs in turns of the event loop, and refuses none for that", async () => {
    const workers = await open({ workers: 1, queue: 3 });
    let turn = 0;
    let ticking: NodeJS.Immediate;
    const tick = (): void => {
      turn += 1;
      ticking = setImmediate(tick);
    };
    ticking = setImmediate(tick);
    onTestFinished(() => clearImmediate(ticking));
    const startedIn: number[] = [];
    const start = (input: string): Promise<ProgramResult> =>
      runProgram(workers, "return input.length", {
        input,
        get startedAt() {
          startedIn.push(turn);
          return 0;
        },
      });
    const large = Array.from({ length: 4 }, () => start("x".repeat(2_000_000)));
    const small = await start("x");
    expect(resultOf(small)).toBe(1);
    expect((await Promise.all(large)).map(resultOf)).toEqual(Array(4).fill(2_000_000));
    expect(startedIn).toHaveLength(5);
    // The queue holds three: the fifth run makes the second start at once.
    expect(new Set(startedIn).size).toBe(4);
    expect(workers.stats().runs).toMatchObject({ running: 0, queued: 0 });
  });

  it("never lets two principals into one worker, even one after the other", async () => {
    const workers = await open({ workers: 1 });
    const { wait, open: release, arrived } = gate();
    const ann = runProgram(workers, "return await lab.wait({})", { tools: { wait }, principal: "ann" });
    await until("ann runs", () => arrived() === 1);
    const bob = runProgram(workers, "return await lab.wait({})", { tools: { wait }, principal: "bob" });
    await until("bob runs beside her", () => arrived() === 2);
    release();
    await Promise.all([ann, bob]);
    const before = workers.stats().pids;
    await runProgram(workers, "return 1", { principal: "cyn" });
    await until("the pool is whole again", () => workers.stats().workers.ready === 2);
    expect(workers.stats().pids.filter((pid) => before.includes(pid)).length).toBeLessThan(before.length);
  });

  it("lets nobody starve behind principals whose programs only wait for slow tools", async () => {
    const workers = await open({ workers: 1 });
    const { wait, open: release, arrived } = gate();
    const owners = ["ann", "bob", "cyn", "dan", "eve"];
    const body =
      "console.log('once'); const before = Math.random(); return [await lab.wait({}), before === Math.random()]";
    const slow = owners.map((principal) => runProgram(workers, body, { tools: { wait }, principal }));
    await until("all five wait for their tools", () => arrived() === 5);
    expect(resultOf(await runProgram(workers, "return 'here too'", { principal: "fay" }))).toBe("here too");
    release();
    const runs = await Promise.all(slow);
    expect(runs.map(resultOf)).toEqual(Array(5).fill(["open", false]));
    expect(runs.map((run) => [run.calls.length, run.logs.length])).toEqual(Array(5).fill([1, 1]));
    await until("the pool is whole again", () => {
      const { workers: now, runs: left } = workers.stats();
      return now.ready === now.wanted && left.running === 0 && left.queued === 0;
    });
  });

  it("runs several programs of one principal in one worker, each in a world of its own", async () => {
    const workers = await open({ workers: 1, runsPerWorker: 8 });
    const { wait, open: release, arrived } = gate();
    const body =
      "globalThis.mine = (globalThis.mine ?? 0) + 1; Object.prototype.leak = 1; await lab.wait({}); return globalThis.mine";
    const runs = Array.from({ length: 8 }, () => runProgram(workers, body, { tools: { wait } }));
    await until("all eight run", () => arrived() === 8);
    expect(workers.stats().runs).toMatchObject({ running: 8, queued: 0 });
    release();
    expect((await Promise.all(runs)).map(resultOf)).toEqual(Array(8).fill(1));
    expect(resultOf(await runProgram(workers, "return [typeof mine, {}.leak ?? null]"))).toEqual([
      "undefined",
      null,
    ]);
  });

  it("gives a worker time to let go of a program that has ended, for the sake of its other runs", async () => {
    const workers = await open({ workers: 1 });
    const { wait, open: release, arrived } = gate();
    const other = runProgram(workers, "return await lab.wait({})", { tools: { wait } });
    await until("the other run waits", () => arrived() === 1);
    await runProgram(workers, "return 1");
    const stoppedAt = performance.now();
    for (const pid of workers.stats().pids) process.kill(pid, "SIGSTOP");
    await until("a stopped program would have been killed", () => performance.now() - stoppedAt > 600);
    for (const pid of workers.stats().pids) process.kill(pid, "SIGCONT");
    release();
    expect(resultOf(await other)).toBe("open");
    expect(workers.stats().totals.kills).toBe(0);
  });

  it("refuses at once when its queue is full, and nothing of the refused run happens", async () => {
    const workers = await open({ workers: 1, runsPerWorker: 1, queue: 1 });
    const { wait, open: release, arrived } = gate();
    const first = runProgram(workers, "return await lab.wait({})", { tools: { wait } });
    await until("the first runs", () => arrived() === 1);
    const second = runProgram(workers, "return 2");
    await until("the second waits", () => workers.stats().runs.queued === 1);
    await expect(runProgram(workers, "return 3")).rejects.toThrow(PoolRefusal);
    expect(workers.stats().runs.queued).toBe(1);
    release();
    expect(resultOf(await first)).toBe("open");
    expect(resultOf(await second)).toBe(2);
  });

  it("a run that is cancelled while it waits leaves the queue", async () => {
    const workers = await open({ workers: 1, runsPerWorker: 1 });
    const { wait, open: release, arrived } = gate();
    const first = runProgram(workers, "return await lab.wait({})", { tools: { wait } });
    await until("the first runs", () => arrived() === 1);
    const abort = new AbortController();
    const second = runProgram(workers, "return 2", { signal: abort.signal });
    abort.abort();
    expect(codeOf(await second)).toBe("cancelled");
    await until("the queue is empty", () => workers.stats().runs.queued === 0);
    release();
    await first;
  });

  it("with isolation `run` gives every program a process of its own", async () => {
    const workers = await open({ workers: 1, isolation: "run" });
    for (let i = 0; i < 3; i++) expect(resultOf(await runProgram(workers, `return ${i}`))).toBe(i);
    await until("three workers were used up", () => workers.stats().totals.recycled === 3);
  });

  it("replaces a worker after its share of runs", async () => {
    const workers = await open({ workers: 1, runsPerLife: 2 });
    await until("two workers were used up", async () => {
      expect(resultOf(await runProgram(workers, "return 1"))).toBe(1);
      return workers.stats().totals.recycled >= 2;
    });
  });

  it("puts the wrapper before each worker", async () => {
    const workers = await open({ workers: 1, wrapper: ["env", "WRAPPED=1"] });
    expect(resultOf(await runProgram(workers, "return 'wrapped'"))).toBe("wrapped");
  });

  it("refuses to start, with the reason, when a worker can't", async () => {
    await expect(createWorkerPool({ wrapper: ["no-such-command-here"] })).rejects.toThrow(
      /could not be started: .*ENOENT/,
    );
    await expect(createWorkerPool({ wrapper: ["false"] })).rejects.toThrow(/ended with code 1/);
  });

  it("ends every process when it is disposed, busy ones too, and answers every run", async () => {
    const workers = await open({ workers: 2 });
    const { wait, arrived } = gate();
    const waiting = runProgram(workers, "return await lab.wait({})", { tools: { wait } });
    const busy = runProgram(workers, "lab.wait({}); await sleep(1); for (;;);", {
      tools: { wait },
      principal: "other",
    });
    await until("both run", () => arrived() === 2);
    const { pids } = workers.stats();
    await workers[Symbol.asyncDispose]();
    expect(codeOf(await waiting)).toBe("cancelled");
    expect(codeOf(await busy)).toBe("cancelled");
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(runProgram(workers, "return 1")).rejects.toThrow("disposed");
  });
});

describe("the end of a pool", () => {
  it("does not wait for workers that still start, and leaves none of them", async () => {
    const [workers, begun] = await openCounted(1, "exec sleep 60");
    await until("another one has begun to start", () => begun().length > 1);
    // Nobody but the one that starts is left to be waited for.
    for (const pid of workers.stats().pids) process.kill(pid, "SIGKILL");
    await until("the first is gone", () => workers.stats().pids.length === 0);
    const start = performance.now();
    await workers[Symbol.asyncDispose]();
    expect(begun().filter(isAlive)).toEqual([]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it("starts no workers in the place of those it ends", async () => {
    const [workers, begun] = await openCounted(2, "exec sleep 60");
    await until("both workers are ready", () => workers.stats().workers.ready === 2);
    await workers[Symbol.asyncDispose]();
    expect(begun()).toHaveLength(2);
    expect(begun().filter(isAlive)).toEqual([]);
  });
});

describe("a worker that dies", () => {
  it("costs the runs in it nothing: they go on in another, and no call is made twice", async () => {
    const workers = await open({ workers: 1 });
    const { wait, open: release, arrived } = gate();
    const body = `const first = await lab.count({});
      console.log("before", Math.random());
      const second = await lab.wait({});
      return [first, second, await lab.count({}), Math.random()]`;
    let count = 0;
    const tools = { count: () => ++count, wait };
    const calm = await runProgram(workers, body, { tools: { ...tools, wait: () => "open" }, seed: "same" });
    count = 0;
    const run = runProgram(workers, body, { tools, seed: "same" });
    await until("the run waits", () => arrived() === 1);
    const pidsBefore = new Set(workers.stats().pids);
    for (const pid of pidsBefore) process.kill(pid, "SIGKILL");
    await until("the dead are gone", () => workers.stats().pids.every((pid) => !pidsBefore.has(pid)));
    release();
    const crashed = await run;
    expect((resultOf(crashed) as unknown[])[3]).toBe((resultOf(calm) as unknown[])[3]);
    expect(crashed.logs).toEqual(calm.logs);
    expect(crashed.calls.map((call) => call.tool)).toEqual(["count", "wait", "count"]);
  });

  it("as often as it likes is no fault of a run that only waits", async () => {
    const workers = await open({ workers: 1 });
    const answers: ((answer: string) => void)[] = [];
    const wait = (): Promise<string> => new Promise((resolve) => answers.push(resolve));
    const body = `for (let i = 0, n = 0; i < 2e6; i++) n = (n * 31 + i) | 0;
      for (;;) { const answer = await lab.wait({}); if (answer === "end") return answer }`;
    // isolated-vm counts an entry by the clock: on a busy machine one quiet run says little.
    const calm: number[] = [];
    for (let i = 0; i < 3; i++)
      calm.push((await runProgram(workers, body, { tools: { wait: () => "end" } })).outcome.usage.cpuMs);
    const run = runProgram(workers, body, { tools: { wait } });
    for (let round = 0; round < 3; round++) {
      await until("the run waits", () => answers.length === round + 1);
      expect(resultOf(await runProgram(workers, "return 'beside it'"))).toBe("beside it");
      const { pids } = workers.stats();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until("the dead are gone", () => !workers.stats().pids.some((pid) => pids.includes(pid)));
      answers[round]?.("again");
    }
    await until("the run waits", () => answers.length === 4);
    answers[3]?.("end");
    const { outcome } = await run;
    expect(outcome).toMatchObject({ type: "completed", result: '"end"' });
    expect(outcome.usage.cpuMs, "CPU time without that of three replays").toBeLessThan(
      Math.max(...calm) * 2.5,
    );
  });

  it("under a program that worked has it go on in a worker of its own, and in no other", async () => {
    const [workers] = await openCounted(2, "exec sleep 60", { workers: 2 });
    await until("two workers are ready, and no third will be", () => workers.stats().workers.ready === 2);
    const [, second = 0] = workers.stats().pids;
    const { wait, open: release, arrived } = gate();
    const patient = runProgram(workers, "return await lab.wait({})", { tools: { wait } });
    await until("one waits in the first", () => arrived() === 1);
    const giveUp = new AbortController();
    let spins = false;
    const spin = (): void => {
      spins = true;
    };
    const suspect = runProgram(workers, "await lab.spin({}); for (;;);", {
      tools: { spin },
      limits: { cpuMs: 60_000 },
      signal: giveUp.signal,
    });
    await until("one works in the second", () => spins);
    process.kill(second, "SIGABRT");
    await until("the second is gone", () => workers.stats().workers.ready === 1);
    expect(workers.stats().runs).toMatchObject({ running: 1, queued: 1 });
    release();
    expect(resultOf(await patient)).toBe("open");
    giveUp.abort();
    expect(codeOf(await suspect)).toBe("cancelled");
  });

  it("under a program that worked has it keep that worker to itself", async () => {
    const [workers] = await openCounted(2, "exec sleep 60");
    await until("two workers are ready, and no third will be", () => workers.stats().workers.ready === 2);
    const [first = 0] = workers.stats().pids;
    const giveUp = new AbortController();
    const { signal } = giveUp;
    const suspect = runProgram(workers, "for (;;);", { limits: { cpuMs: 60_000 }, signal });
    await until("it works in the first", () => workers.stats().runs.running === 1);
    process.kill(first, "SIGABRT");
    await until("it goes on in the second", () => {
      const { pids, runs } = workers.stats();
      return !pids.includes(first) && runs.running === 1;
    });
    const next = runProgram(workers, "return 'beside it'", { signal });
    expect(workers.stats().runs).toMatchObject({ running: 1, queued: 1 });
    giveUp.abort();
    expect((await Promise.all([suspect, next])).map(codeOf)).toEqual(["cancelled", "cancelled"]);
  });

  it("by a kill five times under the same working program ends that program", async () => {
    const workers = await open({ workers: 1 });
    const run = runProgram(workers, "for (;;);", { limits: { cpuMs: 60_000 } });
    for (let kills = 0; kills < 5; kills++) {
      await until("it works", () => workers.stats().runs.running === 1);
      const { pids } = workers.stats();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until("the dead are gone", () => !workers.stats().pids.some((pid) => pids.includes(pid)));
    }
    expect(resultOf(await run)).toMatch(/^engine_crashed: .*killed 5 times/);
    expect(resultOf(await runProgram(workers, "return 'next'"))).toBe("next");
  });

  it("of memory while two programs work blames neither by guess: the honest one finishes", async () => {
    const workers = await open({ workers: 1, memoryMb: 16 });
    const limits = { memoryMb: 16, cpuMs: 20_000 };
    const both = gate();
    const honest = runProgram(
      workers,
      "await lab.wait({}); for (let i = 0, n = 0; i < 2e7; i++) n = (n * 31 + i) | 0; return 'finished'",
      { limits, tools: { wait: both.wait } },
    );
    const hog = runProgram(
      workers,
      "await lab.wait({}); let kept = [1, 2, 3, 4]; for (;;) kept = kept.concat(kept)",
      { limits, tools: { wait: both.wait } },
    );
    await until("both run in one worker", () => both.arrived() === 2);
    both.open();
    expect(["memory_exceeded", "engine_crashed"]).toContain(codeOf(await hog));
    expect(resultOf(await honest)).toBe("finished");
  });

  it("takes only the run that killed it along: its neighbours finish", async () => {
    const workers = await open({ workers: 1, runsPerWorker: 8 });
    const { wait, open: release, arrived } = gate();
    const neighbours = Array.from({ length: 5 }, () =>
      runProgram(workers, "return await lab.wait({})", { tools: { wait } }),
    );
    await until("five run", () => arrived() === 5);
    const bomb = await runProgram(workers, "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })", {
      limits: { memoryMb: 32 },
    });
    expect(codeOf(bomb)).toBe("memory_exceeded");
    release();
    expect((await Promise.all(neighbours)).map(resultOf)).toEqual(Array(5).fill("open"));
    expect(neighbours).toHaveLength(5);
  });
});

describe("a storm of tool calls", () => {
  it("leaves the gateway's thread to others after every few of them", async () => {
    const workers = await open({ workers: 1 });
    let turn = 0;
    let next: NodeJS.Immediate | undefined;
    const startedIn = new Map<number, number>();
    const count = (): void => {
      turn += 1;
      next = setImmediate(count);
    };
    count();
    const echo = (value: unknown): unknown => {
      startedIn.set(turn, (startedIn.get(turn) ?? 0) + 1);
      return value;
    };
    const body =
      "return (await Promise.all(Array.from({ length: 2_000 }, (_, i) => lab.echo({ i })))).length";
    const limits = { toolCalls: 2_000, toolCallsInFlight: 256 };
    const run = await runProgram(workers, body, { tools: { echo }, limits });
    clearImmediate(next);
    expect(resultOf(run)).toBe(2_000);
    expect(Math.max(...startedIn.values())).toBeLessThan(64);
  });

  it("does not stand before what its neighbours in the worker are told", async () => {
    const workers = await open({ workers: 1 });
    let started = 0;
    const tools = {
      echo: (value: unknown) => {
        started += 1;
        return value;
      },
    };
    const body =
      "return (await Promise.all(Array.from({ length: 10_000 }, (_, i) => lab.echo({ i })))).length";
    const storm = runProgram(workers, body, { tools, limits: { toolCalls: 10_000, toolCallsInFlight: 256 } });
    await until("the storm has begun", () => started > 200);
    const before = started;
    for (let i = 0; i < 5; i++)
      await runProgram(workers, "return await lab.answer({})", { tools: { answer: () => 42 } });
    expect(started - before).toBeLessThan(5_000);
    expect(resultOf(await storm)).toBe(10_000);
  });
});

describe("a run that cannot be started", () => {
  it("fails by itself, and its worker goes on", async () => {
    const workers = await open({ workers: 1 });
    const { kills } = workers.stats().totals;
    const run = await runProgram(workers, "return 1", { limits: { memoryMb: 1 } });
    expect(resultOf(run)).toBe("engine_crashed: The isolate of this program could not go on.");
    expect(workers.stats().totals.kills).toBe(kills);
  });
});

describe("the life of a worker", () => {
  it("starts with nothing of the gateway's: no environment, no descriptor, and first in line when memory runs out", async () => {
    process.env["GATEWAY_SECRET"] = "canary-in-the-environment";
    const workers = await open({ workers: 1 });
    delete process.env["GATEWAY_SECRET"];
    const [pid] = workers.stats().pids;
    const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, "latin1");
    expect(read("environ")).toBe("");
    expect(read("oom_score_adj").trim()).toBe("1000");
    expect(Number.parseInt(read("coredump_filter"), 16)).toBe(0);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(files.filter((file) => file.startsWith("/") && !file.startsWith("/dev/"))).toEqual([]);
    expect(files.filter((file) => file.startsWith("socket:"))).toHaveLength(2); // the channel and stderr
  });

  // Beside others it has a small part of the time, and all the more it must not keep the gateway from its own.
  it.each([0, 4])(
    "lets a program that computes without a pause make way for the other threads, its own among them (for each core %i other busy processes)",
    async (others) => {
      const workers = await open({ workers: 1 });
      using busyMachine = new DisposableStack();
      for (let i = 0; i < others * availableParallelism(); i++) {
        const other = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
        busyMachine.defer(() => other.kill("SIGKILL"));
      }
      const [pid] = workers.stats().pids;
      /** Behind the command's name in brackets: the 19th field of all. */
      const niceOf = (thread: string): number => {
        const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
        return Number(stat.replace(/^.*\) /s, "").split(" ")[16]);
      };
      const priorities = (): readonly number[] => readdirSync(`/proc/${pid}/task`).map(niceOf);
      const usual = niceOf(String(pid));
      expect(new Set(priorities())).toEqual(new Set([usual]));
      const abort = new AbortController();
      const busy = runProgram(workers, "for (;;);", { signal: abort.signal });
      await until("the busy thread has stepped aside", () => priorities().some((nice) => nice > usual));
      expect(niceOf(String(pid))).toBe(usual);
      expect(priorities().filter((nice) => nice > usual)).toHaveLength(1);
      expect(resultOf(await runProgram(workers, "return 1"))).toBe(1);
      abort.abort();
      expect(codeOf(await busy)).toBe("cancelled");
    },
  );

  it("begins with a rehearsal in each isolate, of which the first program sees as little as the tenth", async () => {
    const workers = await open({ workers: 1 });
    const body = `
      const failure = await lab.fail({}).catch((error) => error.stack);
      setTimeout(() => console.log("fired"), 0);
      await sleep(1);
      return [failure, Object.getOwnPropertyNames(globalThis), Math.random(), await lab.echo(input), new Date(0)]`;
    const tools = {
      echo: (value: unknown) => value,
      fail: () => {
        throw new Error("no");
      },
    };
    const limits = { toolCalls: 2, logLines: 1, logBytes: 5 };
    const options = { tools, limits, input: { rehearsed: false }, seed: "same" };
    const first = await runProgram(workers, body, options);
    expect(first.calls.map(({ n, tool }) => [n, tool])).toEqual([
      [1, "fail"],
      [4, "echo"],
    ]);
    expect(first.logs).toEqual([{ level: "log", text: "fired" }]);
    expect(resultOf(first)).toHaveProperty("[3]", { rehearsed: false });
    for (let i = 0; i < 9; i++)
      expect(resultOf(await runProgram(workers, body, options))).toEqual(resultOf(first));
  });

  it("ends with the gateway, however that dies", async () => {
    const { fork } = await import("node:child_process");
    const child = fork(new URL("../../fixtures/pool-owner.ts", import.meta.url), {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const pids = await new Promise<number[]>((resolve) =>
      child.once("message", (message) => resolve(message as number[])),
    );
    expect(pids.filter(isAlive)).toEqual(pids);
    child.kill("SIGKILL");
    await until("its workers are gone", () => pids.filter(isAlive).length === 0);
  });
});
