/** Executes a stored run again, offline: makes no calls, and compares the outcome with the journal. */
import type { EngineOutcome, WorkerPool } from "../../../sandbox/index.ts";
import { originsOf } from "../../code/compile.ts";
import { ToolariumError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import { describeFailure } from "../live/endings.ts";
import { toHistory } from "../record/history.ts";
import { deriveReport } from "../record/report.ts";
import type { Report } from "../record/report-shape.ts";
import { type ProgramSpec, parseSpec, readNamespaces } from "../record/run-spec.ts";
import { type RunState, readState } from "../record/run-state.ts";

export interface Replayed {
  /** The report that its journal gives. */
  readonly report: Report;
  readonly matches: boolean;
  /** Where the execution differs from the journal. */
  readonly difference: string | null;
}

/** Milliseconds for the whole replay. Nothing is waited for: only the program itself takes time. */
const REPLAY_MS = 60_000;

/** @throws `not_found`; `invalid_request` for a run that has no program, or whose program was never started */
export async function replayRun(
  {
    pool,
    store,
  }: {
    readonly pool: Pick<WorkerPool, "run">;
    readonly store: Pick<Store, "getRun" | "readJournal" | "getSnapshot">;
  },
  id: string,
): Promise<Replayed> {
  const run = await store.getRun(id);
  if (run === undefined)
    throw new ToolariumError("not_found", `There is no run ${JSON.stringify(id.slice(0, 80))}.`);
  const { limits, diagnostics, program } = parseSpec(run.spec);
  const events = await store.readJournal(id);
  const state = readState(events);
  const history = toHistory(events, state);
  if (program === undefined || program.compiled === null || history === undefined)
    throw new ToolariumError("invalid_request", `The run ${id} has no program that was executed.`);
  const outcome = await pool.run({
    principal: run.principal,
    limits: { ...limits, wallMs: REPLAY_MS, cpuMs: REPLAY_MS },
    program: {
      js: program.compiled.js,
      origins: originsOf(program.compiled.positions),
      namespaces: await readNamespaces(store, run.snapshot),
      input: JSON.stringify(program.input ?? null),
      seed: id,
    },
    history: { ...history, used: { wallMs: 0, cpuMs: 0 }, only: true },
    host: { log: () => undefined, call: () => new Promise(() => undefined) },
  });
  const report = deriveReport({ id, createdAt: run.createdAt, limits, diagnostics, program }, state);
  const difference = compare(outcome, state.end, program.compiled);
  return { report, matches: difference === null, difference };
}

/** Ends that the program causes itself. They recur in a replay; a limit, a person or a restart does not. */
const OWN_ENDS: readonly string[] = [
  "guest_error",
  "not_serializable",
  "result_too_large",
  "pending_forever",
];

function compare(
  outcome: EngineOutcome,
  end: RunState["end"],
  compiled: NonNullable<ProgramSpec["compiled"]>,
): string | null {
  if (outcome.type === "failed" && outcome.failure.code === "diverged") return outcome.failure.message;
  const recorded = end?.status === "completed" ? "completed" : (end?.error?.code ?? "unfinished");
  const expected = recorded === "completed" || OWN_ENDS.includes(recorded) ? recorded : "unfinished";
  const got =
    outcome.type === "completed"
      ? "completed"
      : outcome.type === "failed"
        ? outcome.failure.code
        : "unfinished";
  if (got !== expected) return `The program ended as ${got}; its journal says ${recorded}.`;
  if (outcome.type === "completed" && outcome.result !== end?.result)
    return "The program returned another value than its journal has.";
  if (outcome.type !== "failed") return null;
  const message = describeFailure(outcome.failure, compiled);
  if (message !== end?.error?.message)
    return `The program failed with ${JSON.stringify(message)}; its journal says ${JSON.stringify(end?.error?.message)}.`;
  return null;
}
