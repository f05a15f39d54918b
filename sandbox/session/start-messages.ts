/** The messages that make a worker run a program from its start and replay its history. */
import type { EngineRun } from "../engine.ts";
import type { Entry, LeaseId, ToWorker } from "../protocol.ts";

export interface Start {
  readonly lease: LeaseId;
  /** Start of the program's clock, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** The entries that the program has received so far, in order. */
  readonly entries: readonly Entry[];
  /** `entryMs`: run only to find the program's place, once an entry has taken this long. */
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
