import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { CompileOutcome } from "../../src/code/compile.ts";
import { type CompilerProcess, createCompiler } from "../../src/code/compiler-process.ts";
import { createLog } from "../../src/log.ts";
import { until } from "../helpers/until.ts";
import { childLeaders, groupMembers } from "./helpers/process-groups.ts";

let compiler: CompilerProcess | undefined;

async function open(deadlineMs?: number): Promise<CompilerProcess> {
  compiler = await createCompiler({
    log: createLog("silent"),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  return compiler;
}

afterEach(async () => {
  await compiler?.[Symbol.asyncDispose]();
  compiler = undefined;
});

function compile(process: CompilerProcess, code: string, signal?: AbortSignal): Promise<CompileOutcome> {
  return process.compile({ code, sourceBytes: 65_536, globals: ["gh"] }, signal);
}

/** Each level doubles esbuild's work: it tries every arrow function both with and without a return type. */
function bomb(name: string): string {
  const nested = Array.from({ length: 30 }).reduce((inner) => `a ? (b) : c => (${inner})`, "1");
  return `const ${name}: number = 1;\n${nested}`;
}

/** A text the compiler is busy with for as long as a test needs. */
const busy = bomb("busy");

function pidOf(process: CompilerProcess): number {
  const { pid } = process.stats();
  if (pid === null) throw new Error("no compiler process is running");
  return pid;
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
    expect(compiler.stats()).toMatchObject({ ready: true, inFlight: 0, queued: 0, restarts: 0 });
  });

  it("answers texts sent together, more than it takes at once, each with its own program", async () => {
    const compiler = await open();
    const sent = Array.from({ length: 40 }, (_, n) => compile(compiler, `const n: number = ${n}; return n`));
    expect(compiler.stats()).toMatchObject({ inFlight: 4, queued: 36 });
    const outcomes = await Promise.all(sent);
    outcomes.forEach((outcome, n) => {
      expect(outcome.ok && outcome.program.js).toContain(`const n = ${n};`);
    });
  });

  it("has no environment to leak and stands nowhere in the file system", async () => {
    const pid = pidOf(await open());
    expect(readFileSync(`/proc/${pid}/environ`, "utf8").replace(/NODE_CHANNEL_\w+=\w+\0/g, "")).toBe("");
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  });

  it("refuses a text no program can be, without looking at it", async () => {
    const compiler = await open();
    const outcome = await compile(compiler, " ".repeat(2_000_000));
    expect(outcome).toMatchObject({ ok: false, code: "source_too_large" });
  });

  it("says queue_full when too many wait", async () => {
    const compiler = await open(60_000);
    const held = new AbortController();
    const waiting = Array.from({ length: 4 + 256 }, (_, n) => compile(compiler, bomb(`n${n}`), held.signal));
    const ended = Promise.allSettled(waiting);
    await expect(compile(compiler, "return 1")).rejects.toMatchObject({ code: "queue_full" });
    held.abort(new Error("enough"));
    expect((await ended).every(({ status }) => status === "rejected")).toBe(true);
    expect(compiler.stats().queued).toBe(0);
  });
});

describe("a text that stalls the compiler", () => {
  it("ends at the deadline as compile_timeout, and the next one compiles", async () => {
    const compiler = await open(300);
    const first = pidOf(compiler);
    const before = performance.now();
    expect(await compile(compiler, busy)).toMatchObject({ ok: false, code: "compile_timeout" });
    expect(performance.now() - before).toBeGreaterThanOrEqual(290);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
    expect(pidOf(compiler)).not.toBe(first);
    expect(compiler.stats().restarts).toBe(1);
    await until("the stalled group is gone", () => groupMembers(first).length === 0);
  });

  it("costs those beside it nothing but time", async () => {
    const compiler = await open(400);
    const stalled = compile(compiler, busy);
    const beside = [2, 3, 4, 5, 6].map((n) => compile(compiler, `const n: number = ${n}; return n`));
    expect((await Promise.all(beside)).every(({ ok }) => ok)).toBe(true);
    expect(await stalled).toMatchObject({ code: "compile_timeout" });
  });

  it("is left to itself when its sender gives up, and still cannot stay", async () => {
    const compiler = await open(300);
    const giveUp = new AbortController();
    const stalled = compile(compiler, busy, giveUp.signal);
    giveUp.abort(new Error("client went away"));
    await expect(stalled).rejects.toThrow("client went away");
    await until("the stalled process is replaced", () => compiler.stats().restarts === 1);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });
});

describe("a compiler process that dies", () => {
  it("in the middle of texts is replaced, and they are compiled by its successor", async () => {
    const compiler = await open();
    const outcomes = ["return 1", "const n: number = 2; return n", "return ]"].map((code) =>
      compile(compiler, code),
    );
    expect(compiler.stats().inFlight).toBe(3);
    process.kill(pidOf(compiler), "SIGKILL");
    expect((await Promise.all(outcomes)).map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(compiler.stats()).toMatchObject({ inFlight: 0, queued: 0, restarts: 1 });
  });

  it("twice on the same text fails that text alone", async () => {
    const compiler = await open(20_000);
    const fatal = compile(compiler, busy);
    for (const restarts of [1, 2]) {
      process.kill(pidOf(compiler), "SIGKILL");
      await until("the successor took the text", () => {
        const stats = compiler.stats();
        return stats.restarts === restarts && stats.ready && (restarts === 2 || stats.inFlight === 1);
      });
    }
    expect(await fatal).toMatchObject({ ok: false, code: "internal_error" });
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });

  it("while it is idle is replaced before anybody asks", async () => {
    const compiler = await open();
    process.kill(pidOf(compiler), "SIGKILL");
    await until("a successor is ready", () => compiler.stats().restarts === 1 && compiler.stats().ready);
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
  });

  it("while it starts is replaced too", async () => {
    const starting = open();
    const pid = await until("the first process exists", () => childLeaders()[0]);
    process.kill(-pid, "SIGKILL");
    const compiler = await starting;
    expect(compiler.stats()).toMatchObject({ ready: true, restarts: 1 });
    expect(await compile(compiler, "return 1")).toMatchObject({ ok: true });
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
    const process = fork(new URL(`helpers/${owner}`, import.meta.url), {
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
