/** What a run has used: figures that nobody knows yet are 0. */
import type { RunUsage } from "../../journal.ts";

export function toRunUsage(known: Partial<RunUsage>): RunUsage {
  const usage: RunUsage = {
    wallMs: 0,
    cpuMs: 0,
    queueMs: 0,
    compileMs: 0,
    toolCalls: 0,
    logBytes: 0,
    peakHeapBytes: 0,
    ...known,
  };
  const { wallMs, cpuMs, queueMs, compileMs } = usage;
  return {
    ...usage,
    wallMs: toMicroseconds(wallMs),
    cpuMs: toMicroseconds(cpuMs),
    queueMs: toMicroseconds(queueMs),
    compileMs: toMicroseconds(compileMs),
  };
}

/** Milliseconds with three decimals: more is noise. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
