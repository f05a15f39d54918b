import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { groupMemoryBytes } from "../../../src/code/check/group-usage.ts";
import type { CompileOutcome } from "../../../src/code/compile.ts";
import type { CompilerOptions } from "../../../src/code/process/compiler-options.ts";
import { type CompilerProcess, createCompiler } from "../../../src/code/process/compiler-process.ts";
import { createLog } from "../../../src/log.ts";
import { until } from "../../helpers/until.ts";
import { childLeaders, groupMembers } from "../helpers/process-groups.ts";

let compiler: CompilerProcess | undefined;

async function open(options: Partial<CompilerOptions> = {}): Promise<CompilerProcess> {
  compiler = await createCompiler({ log: createLog("silent"), ...options });
  return compiler;
}

/** A compiler whose spare is warm too. */
async function openWarm(options: Partial<CompilerOptions> = {}): Promise<CompilerProcess> {
  const compiler = await open({ spareAfterMs: 0, ...options });
  await until("the spare is warm", () => compiler.stats().sparePid !== null);
  return compiler;
}

afterEach(async () => {
  await compiler?.[Symbol.asyncDispose]();
  compiler = undefined;
});

interface From {
  readonly principal?: string;
  readonly signal?: AbortSignal;
}

function compile(process: CompilerProcess, code: string, from: From = {}): Promise<CompileOutcome> {
  return process.compile(
    { code, sourceBytes: 65_536, globals: ["gh"], check: null },
    { principal: "ann", ...from },
  );
}

/** Each level doubles esbuild's work: it tries every arrow function both with and without a return type. */
function bomb(name: string, levels: number = 30): string {
  const nested = Array.from({ length: levels }).reduce((inner) => `a ? (b) : c => (${inner})`, "1");
  return `const ${name}: number = 1;\n${nested}`;
}

/** A text the compiler is busy with for as long as a test needs. */
const busy = bomb("busy");

function pidOf(process: CompilerProcess): number {
  const { pid } = process.stats();
  if (pid === null) throw new Error("no compiler process is running");
  return pid;
}

/** Its tree takes some five hundred times its bytes. */
function hungry(bytes: number): string {
  return `const x: any = 1; return [${"{},".repeat(bytes / 3)}]`;
}

function compileLarge(process: CompilerProcess, code: string): Promise<CompileOutcome> {
  return process.compile({ code, sourceBytes: 1_000_000, globals: [], check: null }, { principal: "ann" });
}

/** What a compiler holds that has not compiled anything yet, and some megabytes: its type checker takes 50. */
async function restingBytes(moreMb: number): Promise<number> {
  await using resting = await createCompiler({ log: createLog("silent") });
  return groupMemoryBytes(pidOf(resting)) + moreMb * 1024 * 1024;
}

describe("the compiler process", () => {
  it("compiles JavaScript and TypeScript, and answers a repeated text from memory", async () => {
    const compiler = await open();
    const [javascript, typescript] = await Promise.all([
      compile(compiler, "return await gh.list()"),
      compile(compiler, "const n: number = 1; return n"),
    ]);
    expect(javascript).toMatchObject({
      ok: true,
      program: { toolReferences: [{ root: "gh", path: ["list"] }] },
    });
    expect(typescript).toMatchObject({ ok: true, program: { runs: true } });
    expect(await compile(compiler, "return await gh.list()")).toBe(javascript);
    expect(await compile(compiler, "return +")).toMatchObject({
      ok: false,
      code: "syntax_error",
      line: 1,
      column: 9,
    });
    expect(compiler.stats()).toMatchObject({ inFlight: 0, queued: 0, replacements: 0 });
  });

  it("answers texts sent together, more than it takes at once, each with its own program", async () => {
    const compiler = await open();
    const sent = Array.from({ length: 40 }, (_, n) => compile(compiler, `const n: number = ${n}; return n`));
    expect(compiler.stats()).toMatchObject({ inFlight: 2, queued: 38 });
    const outcomes = await Promise.all(sent);
    outcomes.forEach((outcome, n) => {
      expect(outcome.ok && outcome.program.js).toContain(`const n = ${n};`);
    });
  });

  it("has no environment to leak and stands nowhere in the file system", async () => {
    const pid = pidOf(await open());
    expect(readFileSync(`/proc/${pid}/environ`, "utf8").replace(/NODE_CHANNEL_\w+=\w+\0/g, "")).toBe(
      "GOMEMLIMIT=256MiB\0",
    );
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  });

  it("refuses a text no program can be, without looking at it", async () => {
    const compiler = await open();
    const outcome = await compile(compiler, " ".repeat(2_000_000));
    expect(outcome).toMatchObject({ ok: false, code: "source_too_large" });
  });

  it("says queue_full to who has too many waiting, and still takes what others send", async () => {
    const compiler = await open({ deadlineMs: 60_000 });
    const held = new AbortController();
    const sent = (principal: string, count: number): Promise<unknown>[] =>
      Array.from({ length: count }, (_, n) =>
        compile(compiler, bomb(`${principal}${n}`), { principal, signal: held.signal }),
      );
    const waiting = [...sent("ann", 2 + 256), ...sent("bob", 2 + 6)];
    const ended = Promise.allSettled(waiting);
    const refused = { code: "queue_full" };
    await expect(compile(compiler, "return 1")).rejects.toMatchObject(refused);
    const last = [...sent("bob", 2), ...sent("cid", 8)];
    const endedLast = Promise.allSettled(last);
    await expect(compile(compiler, "return 1", { principal: "bob" })).rejects.toMatchObject(refused);
    await expect(compile(compiler, "return 1", { principal: "cid" })).rejects.toMatchObject(refused);
    const reason = new Error("enough");
    held.abort(reason);
    for (const end of [...(await ended), ...(await endedLast)])
      expect(end).toEqual({ status: "rejected", reason });
    expect(compiler.stats().queued).toBe(0);
  });

  it("answers a principal while another's texts wait by the hundred", async () => {
    const compiler = await open();
    const order: string[] = [];
    const sent = Array.from({ length: 100 }, (_, n) =>
      compile(compiler, `const n: number = ${n}; return n`).then(() => order.push("ann")),
    );
    const late = compile(compiler, "return 'late'", { principal: "bob" }).then(() => order.push("bob"));
    await Promise.all([...sent, late]);
    expect(order.indexOf("bob")).toBeLessThan(10);
  });

  it("has room for a principal while another's texts stall", async () => {
    const compiler = await open({ deadlineMs: 60_000 });
    const leave = new AbortController();
    const stalled = Array.from({ length: 10 }, (_, n) =>
      compile(compiler, bomb(`n${n}`), { signal: leave.signal }),
    );
    const ended = Promise.allSettled(stalled);
    expect(await compile(compiler, "const n: number = 1; return n", { principal: "bob" })).toMatchObject({
      ok: true,
    });
    expect(compiler.stats()).toMatchObject({ inFlight: 2, queued: 8, replacements: 0 });
    leave.abort();
    await ended;
  });
});

describe("a text that stalls the compiler", () => {
  it("ends at the deadline as compile_timeout, and the next one compiles", async () => {
    const compiler = await open({ deadlineMs: 300 });
    const first = pidOf(compiler);
    const before = performance.now();
    expect(await compile(compiler, busy)).toMatchObject({ ok: false, code: "compile_timeout" });
    expect(performance.now() - before).toBeGreaterThanOrEqual(290);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
    expect(pidOf(compiler)).not.toBe(first);
    expect(compiler.stats().replacements).toBe(1);
    await until("the stalled group is gone", () => groupMembers(first).length === 0);
  });

  it("costs those beside it nothing but time", async () => {
    const compiler = await open({ deadlineMs: 400 });
    const stalled = compile(compiler, busy);
    const beside = [2, 3, 4, 5, 6].map((n) => compile(compiler, `const n: number = ${n}; return n`));
    expect((await Promise.all(beside)).every(({ ok }) => ok)).toBe(true);
    expect(await stalled).toMatchObject({ code: "compile_timeout" });
  });

  it("is the culprit while it is read, though the time of one sent before it runs out first", async () => {
    const compiler = await openWarm({ deadlineMs: 150, memoryBytes: 4 * 1024 ** 3 });
    const before = compile(compiler, "const n: number = 1; return n");
    const stalls = compileLarge(compiler, hungry(990_000));
    expect(await stalls).toMatchObject({ ok: false, code: "compile_timeout" });
    expect(await before).toMatchObject({ ok: true });
    expect(compiler.stats().replacements).toBe(1);
  });

  it("is left to itself when its sender gives up, and still cannot stay", async () => {
    const compiler = await open({ deadlineMs: 300 });
    const giveUp = new AbortController();
    const stalled = compile(compiler, busy, { signal: giveUp.signal });
    giveUp.abort(new Error("client went away"));
    await expect(stalled).rejects.toThrow("client went away");
    await until("the stalled process is replaced", () => compiler.stats().replacements === 1);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });
});

describe("a machine that has too much to do", () => {
  it("takes nothing from a program's time: only what the compiler was given counts", async () => {
    const compiler = await open({ deadlineMs: 200 });
    const group = pidOf(compiler);
    process.kill(-group, "SIGSTOP");
    const since = performance.now();
    const held = Promise.all([1, 2].map((n) => compile(compiler, `const n: number = ${n}; return n`)));
    const queued = compile(compiler, "return 3");
    await until("three times its limit has passed", () => performance.now() - since > 600);
    process.kill(-group, "SIGCONT");
    expect([...(await held), await queued].map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(compiler.stats()).toMatchObject({ pid: group, replacements: 0 });
  });

  it("does not save a text that stalls the compiler", async () => {
    const compiler = await open({ deadlineMs: 300 });
    const group = pidOf(compiler);
    const stalled = compile(compiler, busy);
    process.kill(-group, "SIGSTOP");
    const since = performance.now();
    await until("its limit has passed", () => performance.now() - since > 400);
    expect(compiler.stats().replacements).toBe(0);
    process.kill(-group, "SIGCONT");
    expect(await stalled).toMatchObject({ ok: false, code: "compile_timeout" });
  });

  it("has a compiler that stands still replaced, and its texts compiled by the next", async () => {
    const compiler = await openWarm({ stallMs: 300, deadlineMs: 200 });
    const group = pidOf(compiler);
    process.kill(-group, "SIGSTOP");
    const sent = [1, 2].map((n) => compile(compiler, `return ${n}`));
    expect((await Promise.all(sent)).map(({ ok }) => ok)).toEqual([true, true]);
    expect(compiler.stats().replacements).toBe(1);
    await until("the old group is gone", () => groupMembers(group).length === 0);
  });

  it("that gives no compiler its turn is told as not_ready, never as the program's fault", async () => {
    const compiler = await openWarm({ stallMs: 300, deadlineMs: 200 });
    for (const pid of [compiler.stats().pid, compiler.stats().sparePid]) process.kill(-(pid ?? 0), "SIGSTOP");
    await expect(compile(compiler, "return 1")).rejects.toMatchObject({ code: "not_ready" });
  });
});

describe("a text that takes too much memory", () => {
  it("ends with the process that reads it, and the next one compiles", async () => {
    const compiler = await open({ deadlineMs: 20_000 });
    const first = pidOf(compiler);
    const outcome = await compileLarge(compiler, hungry(800_000));
    expect(outcome).toMatchObject({ ok: false, code: "source_too_large", hint: expect.any(String) });
    expect(outcome.ok || outcome.message).toMatch(/more than the 500 MB of memory/);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
    expect(pidOf(compiler)).not.toBe(first);
    await until("the group is gone", () => groupMembers(first).length === 0);
  });

  it("fails alone: those beside it are compiled once more", async () => {
    const compiler = await open({ deadlineMs: 20_000, memoryBytes: await restingBytes(160) });
    const large = compileLarge(compiler, hungry(600_000));
    const beside = [2, 3, 4, 5].map((n) => compile(compiler, `return ${n}`, { principal: `p${n}` }));
    expect((await Promise.all(beside)).map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(await large).toMatchObject({ ok: false, code: "source_too_large" });
  });

  it("counts what esbuild's service holds", async () => {
    const compiler = await open();
    const pid = pidOf(compiler);
    const own = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
    expect(groupMemoryBytes(pid)).toBeGreaterThan(own + 5_000_000);
  });
});

describe("the warm spare", () => {
  it("takes the place of a process that stalls, at once", async () => {
    const compiler = await openWarm({ deadlineMs: 300 });
    const { pid, sparePid } = compiler.stats();
    expect(await compile(compiler, busy)).toMatchObject({ code: "compile_timeout" });
    expect(compiler.stats()).toMatchObject({ pid: sparePid, replacements: 1 });
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
    await until("there is a new spare", () => compiler.stats().sparePid !== null);
    expect(new Set([pid, sparePid, compiler.stats().sparePid]).size).toBe(3);
  });

  it("takes the place of a process that dies, and is replaced when it dies itself", async () => {
    const compiler = await openWarm();
    const { pid, sparePid } = compiler.stats();
    process.kill(-(sparePid ?? 0), "SIGKILL");
    const next = await until("there is another spare", () => {
      const now = compiler.stats().sparePid;
      return now !== sparePid && now;
    });
    process.kill(-(pid ?? 0), "SIGKILL");
    await until("it is in service", () => compiler.stats().pid === next);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
    expect(compiler.stats().replacements).toBe(1);
  });

  it("ends with the compiler", async () => {
    const compiler = await openWarm();
    const { sparePid } = compiler.stats();
    await compiler[Symbol.asyncDispose]();
    await until("its group is gone", () => groupMembers(sparePid ?? 0).length === 0);
  });
});

describe("a compiler process that dies", () => {
  it("in the middle of texts is replaced, and they are compiled by its successor", async () => {
    const compiler = await open();
    const outcomes = ["return 1", "const n: number = 2; return n", "return ]"].map((code) =>
      compile(compiler, code),
    );
    expect(compiler.stats()).toMatchObject({ inFlight: 2, queued: 1 });
    process.kill(pidOf(compiler), "SIGKILL");
    expect((await Promise.all(outcomes)).map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(compiler.stats()).toMatchObject({ inFlight: 0, queued: 0, replacements: 1 });
  });

  it("twice on the same text fails that text alone", async () => {
    const compiler = await open({ deadlineMs: 20_000 });
    const fatal = compile(compiler, busy);
    for (const times of [1, 2]) {
      process.kill(pidOf(compiler), "SIGKILL");
      await until("the successor took the text", () => {
        const stats = compiler.stats();
        return stats.replacements === times && stats.pid !== null && (times === 2 || stats.inFlight === 1);
      });
    }
    expect(await fatal).toMatchObject({ ok: false, code: "internal_error" });
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });

  it("while it is idle is replaced before anybody asks", async () => {
    const compiler = await open();
    process.kill(pidOf(compiler), "SIGKILL");
    await until(
      "a successor is ready",
      () => compiler.stats().replacements === 1 && compiler.stats().pid !== null,
    );
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });

  it("while it starts is replaced too", async () => {
    const starting = open();
    const pid = await until("the first process exists", () => childLeaders()[0]);
    process.kill(-pid, "SIGKILL");
    const compiler = await starting;
    expect(compiler.stats()).toMatchObject({ replacements: 0 });
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });

  it("or stands still while it starts is replaced after two minutes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let starting: Promise<CompilerProcess>;
    let stopped = Number.NaN;
    try {
      starting = open();
      stopped = childLeaders()[0] ?? Number.NaN;
      onTestFinished(() => killQuietly(-stopped));
      process.kill(stopped, "SIGSTOP");
      vi.advanceTimersByTime(120_000);
    } finally {
      vi.useRealTimers();
    }
    expect(pidOf(await starting)).not.toBe(stopped);
    expect(groupMembers(stopped)).toEqual([]);
  });

  it("whenever it starts is given up, and says not_ready", async () => {
    const starting = createCompiler({ log: createLog("silent") });
    let settled = false;
    const outcome = starting
      .catch((error: unknown) => error)
      .finally(() => {
        settled = true;
      });
    while (!settled) {
      for (const pid of childLeaders()) killQuietly(-pid);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await outcome).toMatchObject({ code: "not_ready" });
    expect(childLeaders()).toEqual([]);
  });
});

describe("the end of a compiler", () => {
  it("by dispose answers who waits and leaves no process, esbuild's service among them", async () => {
    const compiler = await open();
    const group = pidOf(compiler);
    expect(groupMembers(group).length).toBeGreaterThanOrEqual(2);
    const stalled = compile(compiler, busy);
    const ended = expect(stalled).rejects.toMatchObject({ code: "disposed" });
    await compiler[Symbol.asyncDispose]();
    await compiler[Symbol.asyncDispose]();
    await ended;
    await until("the group is gone", () => groupMembers(group).length === 0);
    await expect(compile(compiler, "return 1")).rejects.toMatchObject({ code: "disposed" });
  });

  it.each<[end: string, owner: string, signal: NodeJS.Signals]>([
    ["is killed in the middle of a text", "compiler-owner.ts", "SIGKILL"],
    ["ends by a signal in the middle of a text", "compiler-owner.ts", "SIGTERM"],
    ["is killed while the main thread is stuck", "stuck-owner.ts", "SIGKILL"],
  ])("comes when its owner %s", async (_end, owner, signal) => {
    const process = fork(new URL(`../helpers/${owner}`, import.meta.url), {
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const [group] = (await once(process, "message")) as [number];
    expect(groupMembers(group)).not.toEqual([]);
    process.kill(signal);
    await once(process, "exit");
    await until("the group is gone", () => groupMembers(group).length === 0);
  });
});

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
