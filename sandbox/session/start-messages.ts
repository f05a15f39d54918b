/** What a worker is told so that it runs a program from its start, and repeats its past. */
import type { EngineRun } from "../engine.ts";
import type { Entry, LeaseId, ToWorker } from "../protocol.ts";

export interface Start {
  readonly lease: LeaseId;
  /** Where the program's clock starts: milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** What the program has been told so far, in order. */
  readonly entries: readonly Entry[];
  /** `entryMs`: only look where the program is when an entry has taken so long. */
  readonly look: { readonly entryMs?: number };
}

export function startMessages(
  run: EngineRun,
  { lease, startedAt, entries, look }: Start,
): readonly ToWorker[] {
  const { js, ...program } = run.program;
  const { limits } = run;
  const config = JSON.stringify({ ...program, limits });
  const text = config + js;
  return [
    { type: "start", lease, startedAt, limits, configChars: config.length, text, ...look },
    ...entries.map((entry) => ({ type: "enter", lease, ...entry }) as const),
  ];
}
