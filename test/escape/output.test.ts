/** Programs that try to fill the gateway with what they say: console, errors, results, timers, rejections. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createCore } from "../../src/core.ts";
import { createLog } from "../../src/log.ts";
import { openStore } from "../../src/store/open-store.ts";
import { IN_MEMORY } from "../../src/store/settings.ts";
import { everything, programRequest } from "../helpers/core.ts";
import { type ProgramResult, warningsOf } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";

const MESSAGE_CHARS = 4_096;
const LOG_BYTES = 65_536;
/** What a terminal, an editor or a log reader acts on instead of showing it. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const MARK = "[output cut here:";

const { attack } = openArena();

const logged = ({ logs }: ProgramResult): string => logs.map(({ text }) => text).join("");
const marks = (run: ProgramResult): number => run.logs.filter(({ text }) => text.includes(MARK)).length;
const failureOf = ({ outcome }: ProgramResult) => (outcome.type === "failed" ? outcome.failure : undefined);

describe("the console", () => {
  attack({
    claim: "a program that prints without end is stopped by its CPU limit, and its output is cut once",
    code: "for (let i = 0; ; i++) { console.log('line', i); await null }",
    limits: { cpuMs: 300 },
    expect: { ends: "cpu_timeout" },
    also: (run) => {
      expect(run.logs.length).toBe(1_001);
      expect(marks(run)).toBe(1);
      expect(run.logs[500]?.text).toContain(MARK);
    },
  });

  attack({
    claim: "what a program printed before it had to be stopped is not lost",
    code: "console.log('before the loop'); for (;;);",
    limits: { cpuMs: 200 },
    expect: { ends: "cpu_timeout" },
    also: (run) => expect(logged(run)).toBe("before the loop"),
  });

  attack({
    claim: "one line of twenty megabytes keeps its beginning and its end, with a mark between",
    code: "console.log('x'.repeat(2e7) + 'y'); console.log('after')",
    expect: { result: null },
    also: (run) => {
      expect(run.logs).toHaveLength(2);
      expect(logged(run).indexOf(MARK)).toBe(LOG_BYTES / 2);
      expect(logged(run)).toMatch(/ left out\]x{32000,}yafter$/);
      expect(run.outcome.usage.logBytes).toBe(LOG_BYTES);
    },
  });

  attack({
    claim: "many large lines are cut in the middle, and what is kept is within the limit",
    code: "for (let i = 0; i < 100; i++) console.log('y'.repeat(10_000)); return 'printed'",
    expect: { result: "printed" },
    also: (run) => {
      expect(Buffer.byteLength(logged(run))).toBeLessThan(LOG_BYTES + 100);
      expect(marks(run)).toBe(1);
      expect(run.outcome.usage.logBytes).toBeLessThanOrEqual(LOG_BYTES);
    },
  });

  attack({
    claim: "output of exactly the limit is not cut",
    code: "console.log('z'.repeat(65_536))",
    expect: { result: null },
    also: (run) => expect(logged(run)).toBe("z".repeat(LOG_BYTES)),
  });

  attack({
    claim: "no character is cut in half, whatever it is made of",
    code: "console.log('𝕏'.repeat(40_000)); return 1",
    limits: { logBytes: 1_001 },
    expect: { result: 1 },
    also: (run) => {
      expect(logged(run)).toMatch(/^𝕏+\[output cut here: 79,500 characters left out\]𝕏+$/u);
      expect(run.outcome.usage.logBytes).toBeLessThanOrEqual(1_001);
    },
  });

  attack({
    claim: "a program with no output allowed gets the mark only",
    code: "console.log('a'); console.error('b'); console.log(''); return 1",
    limits: { logBytes: 0, logLines: 0 },
    expect: { result: 1 },
    also: (run) => expect(run.logs.map(({ text }) => text.startsWith(MARK))).toEqual([true]),
  });

  attack({
    claim: "printing values that build text without end is stopped by a limit of the run",
    code: "const grow = { toJSON() { return { a: 'x'.repeat(1e5), grow } } }; for (;;) console.log(grow, [grow], new Proxy([], { get: (_, key) => key === 'length' ? 1e9 : 1 }))",
    limits: { cpuMs: 500, memoryMb: 16 },
    expect: { ends: ["memory_exceeded", "cpu_timeout"] },
  });

  attack({
    claim: "printing what cannot be printed says so, and the next line is right",
    code: `const revoked = Proxy.revocable({}, {}); revoked.revoke();
      const odd = [Symbol("s"), revoked.proxy, { toString() { throw 1 }, toJSON() { throw 2 } }, Object.create(null), 10n, -0, () => {}, class A {}, new Map(),
        Object.defineProperty(() => {}, "name", { get() { throw 1 } }), Object.assign(new Error("e"), { name: { toString() { throw 1 } } })];
      for (const value of odd) console.log(value);
      console.log("next");
      return odd.length`,
    expect: { result: 11 },
    also: (run) => {
      expect(run.logs).toHaveLength(12);
      expect(run.logs.at(-1)?.text).toBe("next");
    },
  });

  attack({
    claim: "lone surrogates, NUL and control characters reach the log as text",
    code: "console.log('\\ud800|\\0|\\u001b[2J|\\u2028|\\u2029|\\r\\n|\\u202e')",
    expect: { result: null },
    also: (run) => expect(logged(run)).toContain("|\0|\u001b[2J|\u2028|\u2029|\r\n|\u202e"),
  });
});

describe("errors", () => {
  for (const [what, code] of [
    ["message", "throw new Error('m'.repeat(1e7))"],
    ["name", "throw Object.assign(new Error('x'), { name: 'n'.repeat(1e7) })"],
    ["stack", "throw Object.assign(new Error('x'), { stack: 'at program.js:7:7 '.repeat(1e6) })"],
    ["cause", "throw new Error('x', { cause: new Error('c'.repeat(1e7)) })"],
    [
      "list of errors",
      "throw new AggregateError(Array.from({ length: 1e5 }, (_, i) => new Error('e' + i)), 'many')",
    ],
    ["value", "throw { text: 'v'.repeat(1e7), list: Array(1e5).fill(1) }"],
    ["message in two-byte characters", "throw new Error('\\u2028'.repeat(5e6))"],
    [
      "tool failure",
      "await lab.fail({}).catch((error) => { error.message = 'm'.repeat(1e7); error.kind = 'k'.repeat(1e7); throw error })",
    ],
  ] as const)
    attack({
      claim: `an error with a ${what} of megabytes is told in a few words`,
      code,
      expect: { ends: "guest_error" },
      also: (run) => expect(JSON.stringify(failureOf(run)).length).toBeLessThan(3 * MESSAGE_CHARS),
    });

  attack({
    claim: "a stack the program wrote names no place but one in the program",
    code: "const error = new Error('x'); error.stack = 'at /etc/passwd:1:1 file:///srv/worker.js:2:2'; throw error",
    expect: { ends: "guest_error" },
    also: (run) => {
      expect(failureOf(run)?.line).toBeUndefined();
      expect(JSON.stringify(run.outcome)).not.toContain("passwd");
    },
  });

  attack({
    claim: "a rejection of megabytes that nobody handles is a warning of a few words",
    code: "Promise.reject(new Error('r'.repeat(5e6))); await sleep(1); return 1",
    expect: { result: 1 },
    also: (run) => expect(warningsOf(run).join("").length).toBeLessThan(2 * MESSAGE_CHARS),
  });

  attack({
    claim: "thousands of different rejections are a handful of warnings",
    code: `let n = 0;
      const again = () => { Promise.reject(new Error("x".repeat(1_000) + n++)); setTimeout(again, 0) };
      for (let i = 0; i < 300; i++) setTimeout(again, 0);
      while (n < 3_000) await sleep(1);
      return n >= 3_000`,
    expect: { result: true },
    also: (run) => expect(run.outcome.warnings.length).toBeLessThan(20),
  });
});

describe("results", () => {
  attack({
    claim: "a result of hundreds of thousands of members is refused as too large",
    code: "return Array.from({ length: 3e5 }, (_, i) => i)",
    expect: { ends: "result_too_large" },
  });

  attack({
    claim: "a result of billions of holes ends by a limit of the run",
    code: "return new Array(4e9)",
    limits: { memoryMb: 16, cpuMs: 1_000 },
    expect: { ends: ["memory_exceeded", "cpu_timeout"] },
  });

  attack({
    claim: "a result that grows while it is read is as long as it was",
    code: "const list = [1]; list.push({ toJSON() { list.push(this, this); return 'x' } }); return list",
    expect: { result: [1, "x"] },
  });
});

describe("timers", () => {
  attack({
    claim: "a thousand timers that fire and are set again cost the gateway no memory",
    code: "const again = () => setTimeout(again, 0); for (let i = 0; i < 999; i++) again(); await sleep(800); return 1",
    expect: { result: 1 },
  });

  attack({
    claim: "timers set and cleared without end are stopped, and cost the gateway no memory",
    code: "for (;;) clearTimeout(setTimeout(() => {}, 1e6))",
    limits: { cpuMs: 1_500 },
    expect: { ends: ["cpu_timeout", "guest_error"] },
  });
});

describe("what others read", () => {
  const hostile = "\u0000\u0007\u001b[2J\u001b]0;owned\u0007\r\nFAKE\u2028LINE\u2029\u0085\u009b31m\u202e";

  it("every line of the gateway's log is one JSON object without control characters, whatever a program says", async () => {
    const lines: string[] = [];
    const log = createLog("trace", { write: (line) => void lines.push(line) });
    await using core = await createCore({
      servers: [],
      marks: { readOnly: [], idempotent: [] },
      store: (log) => openStore({ path: IN_MEMORY }, { log }),
      sandbox: { workers: 1 },
      callTimeoutMs: 1_000,
      approvalExpiresMs: 60_000,
      presentLayers: () => [],
      learn: true,
      log,
    });
    const request = programRequest(
      `console.log(input); await tools[input][input]({ [input]: input }).catch(() => null); throw new Error(input)`,
      { input: hostile, typecheck: "off", policy: { layers: [everything] } },
    );
    const report = await (await core.runner.start(request)).done;
    expect(report).toMatchObject({ status: "failed", logs: [{ text: hostile }] });
    log.warn({ report, tool: hostile }, hostile);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(JSON.parse(line)).toBeTypeOf("object");
      expect(line.slice(0, -1)).not.toMatch(OBEYED);
    }
    expectNothingLeaked(report);
  });

  it("the command line prints what a program says without what a terminal would obey", async () => {
    const entry = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));
    const child = spawn(process.execPath, [entry, "run", "-"], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(`console.log(${JSON.stringify(hostile)}); throw new Error(${JSON.stringify(hostile)})`);
    const [stderr] = await Promise.all([text(child.stderr), text(child.stdout), once(child, "close")]);
    expect(stderr).toContain("FAKE");
    expect(stderr.replaceAll("\n", "")).not.toMatch(OBEYED);
  });
});
