/** What the journal of a program says of it beside its calls: how it began, what refused it, how it ended. */
import type { EngineOutcome, WorkerPool } from "../../../sandbox/index.ts";
import type { JournalEventBody, ToolFailure } from "../../journal.ts";
import { remarksOn } from "../hints/remarks.ts";
import { endAtRest, lineOfUndecided, toRunError, toRunWarning } from "../live/endings.ts";
import type { Journal } from "../live/live-journal.ts";
import type { CompiledText } from "../program/compile-for-run.ts";
import { toCallId } from "../record/ids.ts";
import type { ProgramSpec } from "../record/run-spec.ts";
import { toRunUsage } from "../record/usage.ts";
import type { ProgramIdentity, ProgramRunOptions } from "./program-run-options.ts";

export class ProgramRecord {
  readonly #identity: ProgramIdentity;
  readonly #journal: () => Journal;
  readonly #pool: Pick<WorkerPool, "engine">;

  constructor({ identity, journal }: ProgramRunOptions, pool: Pick<WorkerPool, "engine">) {
    this.#identity = identity;
    this.#journal = journal;
    this.#pool = pool;
  }

  /** Returns when it was recorded: milliseconds since the Unix epoch. */
  opened(): number {
    const { programHash, catalogVersion } = this.#identity;
    const { engine } = this.#pool;
    return this.#journal().append({ type: "opened", programHash, catalogVersion, engine }).at;
  }

  /** The compiler refused it: it never runs. `denied` are calls in its text that its policy would have refused. */
  refused(end: JournalEventBody, denied: CompiledText["denied"]): void {
    this.opened();
    for (const [index, { tool, message }] of denied.entries()) this.#denied(index + 1, tool, message);
    this.#journal().append(end);
  }

  /** It is cancelled or expires while no worker has it. */
  endedAtRest(code: "cancelled" | "approval_expired"): void {
    const journal = this.#begun();
    const { state } = journal;
    const end = endAtRest(state, code);
    const { sites = [] } = this.#identity.program;
    const place = lineOfUndecided(state, sites);
    const error = end.error && code === "approval_expired" ? { ...end.error, ...place } : end.error;
    for (const { level, text } of state.lastLogs) journal.append({ type: "log", level, text });
    journal.append({ ...end, error });
  }

  /** A lease has ended, and the run with it, or it waits. */
  left(
    outcome: Exclude<EngineOutcome, { type: "suspended" }>,
    compiled: NonNullable<ProgramSpec["compiled"]>,
  ): void {
    const journal = this.#begun();
    const { program, namespaces } = this.#identity;
    const usage = toRunUsage({ compileMs: program.compileMs, ...outcome.usage });
    const warnings = outcome.warnings.map((each) => toRunWarning(each, compiled));
    switch (outcome.type) {
      case "parked": {
        const { lastLogs } = outcome;
        journal.append({ type: "waiting", usage, ...(lastLogs.length === 0 ? {} : { lastLogs }) });
        return;
      }
      case "completed": {
        const { result } = outcome;
        const all = [...warnings, ...remarksOn(result, journal.state)];
        journal.append({ type: "ended", status: "completed", result, error: null, usage, warnings: all });
        return;
      }
      case "failed": {
        const status = outcome.failure.code === "cancelled" ? "cancelled" : "failed";
        const ran = { code: program.code, compiled, namespaces, run: journal.state };
        const error = toRunError(outcome.failure, ran, this.#pool.engine);
        journal.append({ type: "ended", status, result: null, error, usage, warnings });
      }
    }
  }

  /** For the audit: a program that was refused for a tool has tried to call it. */
  #denied(n: number, tool: string, message: string): void {
    const journal = this.#journal();
    const call = toCallId(this.#identity.head.id, n);
    const failure: ToolFailure = { kind: "denied", message };
    journal.append({ type: "requested", n, call, tool, args: "", argsBytes: 0, inText: true });
    const outcome = { ok: false, failure } as const;
    journal.append({ type: "settled", n, call, outcome, resultBytes: 0, reused: false });
  }

  /** The journal, which begins with `opened` whatever comes first. */
  #begun(): Journal {
    const journal = this.#journal();
    if (journal.events.length === 0) this.opened();
    return journal;
  }
}
