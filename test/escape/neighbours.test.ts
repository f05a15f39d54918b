/**
 * Twenty honest runs beside one that takes all it can, half of them of its own principal and so in its workers: all
 * end right, and each of their calls is made once.
 */
import { describe, expect, it } from "vitest";
import type { RunLimits, WorkerPool } from "../../sandbox/index.ts";
import { codeOf, resultOf, runProgram } from "../helpers/engine.ts";
import { labTools, openArena } from "./helpers/arena.ts";
import { slack } from "./helpers/slack.ts";

const HONEST = 20;
/** Two calls after each other, one sleep and some work: a few milliseconds alone. */
const BODY = `const one = await lab.step({ who: input, step: 1 });
  await sleep(20);
  const sum = Array.from({ length: 1_000 }, (_, i) => i).reduce((a, b) => a + b, 0);
  const two = await lab.step({ who: input, step: 2 });
  return [one, two, sum]`;
const HOG_MS = 600;
/** From the first start to the last honest end: the hog's time, one replaced worker, and what the twenty need. */
const ALL_DONE_MS = 4_000;

interface Hog {
  readonly takes: string;
  readonly code: string;
  readonly limits?: Partial<RunLimits>;
  readonly ends: readonly string[];
}

/** On a machine that leaves it less than half a core, the clock's limit comes first. */
const outOfTime = ["cpu_timeout", "wall_timeout"];

const hogs: readonly Hog[] = [
  { takes: "the CPU in a loop", code: "for (;;);", ends: outOfTime },
  { takes: "the CPU in microtasks", code: "for (;;) await null", ends: outOfTime },
  {
    takes: "the CPU in one builtin that nothing can interrupt",
    code: "const a = []; a[2 ** 32 - 2] = 1; for (;;) a.indexOf(7)",
    ends: ["cpu_timeout", "wall_timeout", "engine_crashed", "memory_exceeded"],
  },
  {
    takes: "memory that is counted",
    code: "const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length))",
    ends: ["memory_exceeded", ...outOfTime],
  },
  {
    takes: "memory in a way that ends the process",
    code: "const map = new Map(); for (let i = 0; ; i++) map.set(i, { i })",
    ends: ["memory_exceeded", "engine_crashed", ...outOfTime],
  },
  {
    takes: "memory outside the heap",
    code: "const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1))",
    ends: ["memory_exceeded", ...outOfTime],
  },
  {
    takes: "all the calls it gets",
    code: "for (;;) await Promise.all(Array.from({ length: 500 }, () => lab.echo({ fill: 'x'.repeat(1_000) })))",
    limits: { toolCalls: 2_000 },
    ends: ["too_many_calls", "wall_timeout"],
  },
  {
    takes: "large arguments and large answers",
    code: "for (;;) await Promise.all(Array.from({ length: 8 }, () => lab.echo({ fill: 'x'.repeat(100_000) })))",
    limits: { toolCalls: 64 },
    ends: ["too_many_calls", "cpu_timeout", "wall_timeout", "memory_exceeded"],
  },
  { takes: "the console", code: "for (;;) console.log('x'.repeat(500))", ends: outOfTime },
  {
    takes: "all the timers it gets",
    code: "const again = () => setTimeout(again, 0); for (let i = 0; i < 1_000; i++) again(); await lab.never({})",
    limits: { wallMs: 400 },
    ends: ["wall_timeout", "cpu_timeout"],
  },
  {
    takes: "the largest result it may return, and does not return it",
    code: "return 'x'.repeat(2e6)",
    ends: ["result_too_large"],
  },
  {
    takes: "the protocol for a ride, with calls inside of calls",
    code: "for (let i = 0; i < 50; i++) await lab.echo({ toJSON() { lab.echo({}); return {} } })",
    ends: ["completed"],
  },
];

const { unharmed } = openArena({ workers: 2, runsPerWorker: 8 });

describe("twenty honest runs", () => {
  it.each(hogs)("end right beside one that takes $takes", async ({ code, limits, ends }) => {
    await unharmed(async (pool) => {
      const steps: string[] = [];
      const start = performance.now();
      const hog = runProgram(pool, code, {
        principal: "mallory",
        tools: labTools(),
        limits: { cpuMs: HOG_MS, wallMs: HOG_MS * 2, memoryMb: 32, ...limits },
      });
      const honest = Array.from({ length: HONEST }, (_, who) =>
        runHonest(pool, who, who % 2 === 0 ? "mallory" : "honest", steps),
      );
      const results = (await Promise.all(honest)).map(resultOf);
      const tookMs = performance.now() - start;
      expect(results).toEqual(Array.from({ length: HONEST }, (_, who) => [`${who}.1`, `${who}.2`, 499_500]));
      expect(steps).toHaveLength(2 * HONEST);
      expect(new Set(steps).size).toBe(2 * HONEST);
      expect(ends).toContain(codeOf(await hog));
      expect(tookMs).toBeLessThan(ALL_DONE_MS * slack());
      return results;
    });
  });
});

function runHonest(pool: WorkerPool, who: number, principal: string, steps: string[]) {
  const step = ({ who, step }: { who: number; step: number }): string => {
    steps.push(`${who}.${step}`);
    return `${who}.${step}`;
  };
  return runProgram(pool, BODY, { principal, input: who, tools: { step } });
}
