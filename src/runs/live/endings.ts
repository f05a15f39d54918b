/** Builds the events that end runs, and the errors that clients get. */
import type { EngineFailure, EngineWarning, ToolNamespaces } from "../../../sandbox/index.ts";
import { type CompileOutcome, isPosition, type Position } from "../../code/compile.ts";
import type { RunErrorCode } from "../../error-codes.ts";
import { errorTable, ToolariumError } from "../../errors.ts";
import type { JournalEventBody, RunError, RunUsage, RunWarning } from "../../journal.ts";
import { hintFor } from "../hints/hints.ts";
import { hintForExpired } from "../hints/limit-hints.ts";
import type { ProgramSpec } from "../record/run-spec.ts";
import { type RunState, statusAfter } from "../record/run-state.ts";
import { toRunUsage } from "../record/usage.ts";
import type { Journal } from "./live-journal.ts";

type Ended = Extract<JournalEventBody, { readonly type: "ended" }>;

/** `possible` iff a call that is not read-only had started. */
function effectsOf({ hasEffects }: RunState): RunError["effects"] {
  return hasEffects ? "possible" : "none";
}

/** The end of a run that is not executing, with the figures that its journal still gives. */
export function endAtRest(
  state: RunState,
  code: "cancelled" | "approval_expired",
  message: string = errorTable[code].message,
): Ended {
  const usage = usageAtRest(state);
  const status = code === "cancelled" ? "cancelled" : "failed";
  const hint = code === "cancelled" ? {} : { hint: hintForExpired(state) };
  const error = { code, message, ...hint, effects: effectsOf(state) };
  return { type: "ended", status, result: null, error, usage };
}

/** The line of the call that nobody decided, where there is one such call, and the program makes it in one line. */
export function lineOfUndecided(
  { asked }: RunState,
  sites: NonNullable<ProgramSpec["sites"]>,
): Pick<RunError, "line"> {
  const tools = new Set(asked.map(({ tool }) => tool));
  const lines = sites.filter(({ tool }) => tools.has(tool)).flatMap((site) => site.lines);
  const [line, ...others] = lines;
  return tools.size !== 1 || line === undefined || others.length > 0 ? {} : { line };
}

const LEFT = {
  client: "The client left before it had the whole answer.",
  gateway: "The gateway stopped while this run was going on.",
  store: "The store could not be written while this run was going on.",
};

/** The end of a run that nothing resumes by itself: its client left, the gateway stopped, or the store failed. */
export function endLeft(state: RunState, by: keyof typeof LEFT): Ended {
  return endAtRest(state, "cancelled", LEFT[by]);
}

/** When a run ended by `endLeft`: milliseconds since the Unix epoch. Undefined when it did not. */
export function leftAt({ end }: RunState): number | undefined {
  return Object.values(LEFT).includes(end?.error?.message ?? "") ? end?.at : undefined;
}

/** The end of calls made outside a program. `message` says why they failed. */
export function endCalls(
  state: RunState,
  status: "completed" | "failed",
  message = "The request could not be finished.",
): Ended {
  const usage = usageAtRest(state);
  if (status === "completed") return { type: "ended", status, result: null, error: null, usage };
  const error: RunError = { code: "internal_error", message, effects: effectsOf(state) };
  return { type: "ended", status, result: null, error, usage };
}

function usageAtRest(state: RunState): RunUsage {
  return state.usage(state.opened?.at ?? 0);
}

/**
 * The error that a run's client gets in place of its end, when the run's record cannot be kept. `journal` is the lost
 * one; `refusal` says why.
 */
export function refuseLost(
  { id, journal }: { readonly id: string; readonly journal: Pick<Journal, "state" | "readable"> },
  refusal: ToolariumError,
): ToolariumError {
  const { readable, state } = journal;
  const effects = effectsOf(state);
  const status = statusAfter(readable.at(-1));
  const known = { cause: refusal, retryAfterSeconds: 1, run: { id, status, effects } };
  if (isTakenOver(refusal)) return new ToolariumError("run_lost", undefined, known);
  const tail =
    effects === "none"
      ? "It has called nothing that changes anything."
      : "Calls of it that change something may have been made.";
  const message = `${refusal.message} The run ${id} is suspended, and resumes from its record when that can be written. ${tail}`;
  const code = refusal.code === "store_damaged" ? "store_damaged" : "store_unavailable";
  return new ToolariumError(code, message, known);
}

/** Whether it failed because another process owns the run now and resumes it. */
export function isTakenOver(error: unknown): boolean {
  return error instanceof ToolariumError && error.code === "run_lost";
}

/** The end of a program that the compiler refused: it never ran. */
export function endRefused(outcome: Extract<CompileOutcome, { ok: false }>, compileMs: number): Ended {
  const { hint, line, column, code, message } = outcome;
  const error: RunError = {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    effects: "none",
  };
  return {
    type: "ended",
    status: "failed",
    result: null,
    error,
    usage: toRunUsage({ compileMs }),
  };
}

/** A program that was executed, and its journal's state. */
export interface RunProgram {
  readonly code: string;
  readonly compiled: NonNullable<ProgramSpec["compiled"]>;
  readonly namespaces: ToolNamespaces;
  readonly run: RunState;
}

/**
 * The engine's failure as a run error, with a hint. The engine maps positions to the author's text, but a program can
 * forge any position. `engine` is the present one.
 */
export function toRunError(
  failure: EngineFailure,
  { code: source, compiled, namespaces, run }: RunProgram,
  engine: string,
): RunError {
  const { code, tool } = failure;
  const place = placeOf(failure, compiled);
  const hint = hintFor(failure, { code: source, place, namespaces, run });
  const words = describeFailure(failure, compiled) || errorTable[code].message;
  return {
    code: code satisfies RunErrorCode,
    message: code === "diverged" ? `${words}${explainEngines(run, engine)}` : words,
    ...(hint === undefined ? {} : { hint }),
    ...place,
    effects: effectsOf(run),
    ...(tool === undefined ? {} : { tool }),
  };
}

/**
 * The failure's message, then each nested error on a line of its own, with its place in the author's text: `errors[0]
 * at 3:12: Error: no`.
 */
export function describeFailure(failure: EngineFailure, compiled: RunProgram["compiled"]): string {
  const { message, inner = [], innerLeft = 0 } = failure;
  const lines = inner.map((error) => {
    const place = placeOf(error, compiled);
    const at = place === undefined ? "" : ` at ${place.line}:${place.column}`;
    return `${error.label}${at}: ${error.message}`;
  });
  if (innerLeft > 0) lines.push(`… ${innerLeft} more`);
  return [message, ...lines].join("\n");
}

function placeOf(
  { line, column }: Pick<EngineFailure, "line" | "column">,
  { positions }: RunProgram["compiled"],
): Position | undefined {
  if (line === undefined || column === undefined || !isPosition(positions, line, column)) return undefined;
  return { line, column };
}

/** The engine's warning, at a position that exists in the author's text. */
export function toRunWarning(
  { severity, message, ...place }: EngineWarning,
  compiled: RunProgram["compiled"],
): RunWarning {
  return { severity, message, ...placeOf(place, compiled) };
}

function explainEngines({ opened }: RunState, engine: string): string {
  if (opened?.engine === undefined || opened.engine === engine) return "";
  return ` It began on another engine (${opened.engine}; this one is ${engine}).`;
}
