/**
 * What lists show of a run, as it is kept beside its journal. Derived from the journal and never a second truth: where
 * it is missing, damaged or not of the last event, the journal is read instead.
 */

import { z } from "zod";
import type { RunError, RunStatus, RunUsage } from "../../journal.ts";
import { runUsage } from "../../store/rows.ts";
import type { StoredSummary } from "../../store/store.ts";
import { questionOf } from "../record/calls.ts";
import { askedAt, type RunState } from "../record/run-state.ts";
import type { ModelTokens } from "../record/turns.ts";

/** A call that waits for a person. */
export interface AskedCall {
  /** The id of the question. */
  readonly call: string;
  readonly tool: string;
  /** JSON text. */
  readonly args: string;
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly askedAt: number;
}

/** Times are milliseconds since the Unix epoch. */
export interface RunSummary {
  readonly status: RunStatus;
  readonly error: Pick<RunError, "code" | "effects"> | null;
  /** How many calls were asked for. */
  readonly calls: number;
  /** Turns of the model: none of a program. */
  readonly turns: number;
  /** Null when no model was asked. */
  readonly tokens: ModelTokens | null;
  readonly usage: RunUsage;
  /** Null when their arguments are too large for a summary: then the journal has them. */
  readonly asked: readonly AskedCall[] | null;
  /** Since when it waits for a person or its client; null when it waits for nobody. */
  readonly waitsSince: number | null;
  readonly endedAt: number | null;
}

/** UTF-16 units of all arguments in one summary. Larger ones are read from the journal. */
const MAX_ARGS_CHARS = 16_384;

/** `createdAt`: of the run, in milliseconds since the Unix epoch. */
export function summarize(state: RunState, createdAt: number): RunSummary {
  const { status, end, turns, tokens } = state;
  const asked = askedCalls(state);
  const chars = asked.reduce((sum, { args }) => sum + args.length, 0);
  return {
    status,
    error: end?.error ? { code: end.error.code, effects: end.error.effects } : null,
    calls: state.callCount,
    turns: turns.length,
    tokens: turns.length === 0 ? null : tokens,
    usage: state.usage(createdAt),
    asked: chars > MAX_ARGS_CHARS ? null : asked,
    waitsSince: state.waitsSince ?? null,
    endedAt: end?.at ?? null,
  };
}

/** As the store keeps it. */
export function storedSummary(state: RunState, createdAt: number): StoredSummary {
  return { text: JSON.stringify(summarize(state, createdAt)), asked: state.asked.length };
}

export function askedCalls(state: RunState): readonly AskedCall[] {
  return state.asked.map((call) => ({
    call: questionOf(call),
    tool: call.tool,
    args: call.args,
    reason: call.reason,
    askedAt: askedAt(call),
  }));
}

/** Undefined for a text that is no summary of this version. */
export function parseSummary(text: string): RunSummary | undefined {
  try {
    return summarySchema.safeParse(JSON.parse(text)).data as RunSummary | undefined;
  } catch {
    return undefined;
  }
}

const count = z.int().nonnegative();

const summarySchema = z.strictObject({
  status: z.enum(["queued", "running", "waiting", "completed", "failed", "cancelled"]),
  error: z.strictObject({ code: z.string(), effects: z.enum(["none", "possible"]) }).nullable(),
  calls: count,
  turns: count,
  tokens: z.strictObject({ prompt: z.number(), completion: z.number() }).nullable(),
  usage: runUsage.strict(),
  asked: z
    .array(
      z.strictObject({
        call: z.string(),
        tool: z.string(),
        args: z.string(),
        reason: z.string(),
        askedAt: z.number(),
      }),
    )
    .nullable(),
  waitsSince: z.number().nullable(),
  endedAt: z.number().nullable(),
});
