/** Loads runs from the store, for a process that resumes or ends them. */
import type { Log } from "../../log.ts";
import type { MemoryBudget } from "../../memory-budget.ts";
import type { Store, StoredRun } from "../../store/store.ts";
import { CallRun } from "../execution/call-run.ts";
import { ProgramRun } from "../execution/program-run.ts";
import type { ProgramDeps } from "../execution/program-run-options.ts";
import { createJournal, type Journal, type JournalOptions } from "../live/live-journal.ts";
import type { OwnedRun } from "../live/owned-runs.ts";
import type { Claim } from "../live/ownership.ts";
import { createRunMemory } from "../live/run-memory.ts";
import { createReuse } from "../record/repair.ts";
import { parseSpec, type RunSpec, readNamespaces } from "../record/run-spec.ts";
import { readState } from "../record/run-state.ts";
import { toIdentity } from "./prepare.ts";

export async function loadRun(
  stored: StoredRun,
  claim: Claim,
  deps: ProgramDeps & {
    readonly store: Store;
    readonly log: Log;
    readonly onLost?: JournalOptions["onLost"];
    readonly memory?: MemoryBudget | undefined;
  },
): Promise<OwnedRun> {
  const { store, log, onLost } = deps;
  const events = await store.readJournal(stored.id);
  const spec = parseSpec(stored.spec);
  const memory = deps.memory && createRunMemory(deps.memory);
  memory?.goOn(stored.spec.length);
  const journal = createJournal({ store, run: stored, claim, log, stored: events, onLost, memory });
  const { kind } = stored;
  if (kind === "program") return loadProgram(stored, spec, journal, deps);
  return new CallRun({ record: { ...stored, kind }, spec, journal, consent: "auto" }, deps);
}

async function loadProgram(
  stored: StoredRun,
  spec: RunSpec,
  journal: Journal,
  deps: ProgramDeps & { readonly store: Store },
): Promise<ProgramRun> {
  const identity = toIdentity(stored, spec, await readNamespaces(deps.store, stored.snapshot));
  const repairOf = spec.program?.repairOf;
  if (repairOf === undefined) return new ProgramRun({ identity, journal: () => journal }, deps);
  // Retention may have removed the source since: then it gives nothing to reuse.
  const reuse = createReuse(readState(await deps.store.readJournal(repairOf)), journal.state);
  return new ProgramRun({ identity, journal: () => journal, reuse }, deps);
}
