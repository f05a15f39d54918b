/** What a run has used: figures that nobody knows yet are 0. */
import type { JournalEvent, RunUsage } from "../../journal.ts";

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

/** What a run has used, as its journal gives it until the end states it. */
export interface UsageFold {
  apply(event: JournalEvent): void;
  /** `createdAt`: of the run, in milliseconds since the Unix epoch. */
  soFar(createdAt: number): RunUsage;
  /** Milliseconds that count against limits: without the times in which the run waited. */
  used(): { readonly wallMs: number; readonly cpuMs: number };
}

export function createUsageFold(): UsageFold {
  let first: JournalEvent | undefined;
  let before: JournalEvent | undefined;
  /** A decision does not end the wait. */
  let isWaiting = false;
  let wallMs = 0;
  let cpuMs = 0;
  let toolCalls = 0;
  let logBytes = 0;
  return {
    apply(event) {
      const wasIdle =
        before === undefined ||
        before.type === "waiting" ||
        before.type === "ended" ||
        event.type === "resumed" ||
        (isWaiting && event.type === "decided");
      // It waited for a person, or for a process to own it.
      if (before !== undefined && !wasIdle) wallMs += event.at - before.at;
      isWaiting = event.type === "waiting" || (isWaiting && event.type === "decided");
      if (event.type === "waiting" && event.usage !== undefined) cpuMs = event.usage.cpuMs;
      if (event.type === "requested" && event.inText !== true) toolCalls += 1;
      if (event.type === "log") logBytes += Buffer.byteLength(event.text);
      first ??= event;
      before = event;
    },
    soFar: (createdAt) =>
      toRunUsage({ wallMs, queueMs: first === undefined ? 0 : first.at - createdAt, toolCalls, logBytes }),
    used: () => ({ wallMs, cpuMs }),
  };
}
