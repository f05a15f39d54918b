/** Begins runs: compiles a program and hands it to the pool, or opens a record for calls. */
import type { Compiler } from "../code/compile.ts";
import type { MemoryBudget } from "../memory-budget.ts";
import type { Store } from "../store/store.ts";
import { spendTime, whenThereIsTime } from "../tools/checking/deadline.ts";
import type { CallRun } from "./execution/call-run.ts";
import { ProgramRun } from "./execution/program-run.ts";
import type { ProgramDeps } from "./execution/program-run-options.ts";
import type { ActiveRun } from "./live/active-run.ts";
import { decideCall } from "./live/approvals.ts";
import { endRefused, isTakenOver } from "./live/endings.ts";
import type { Followers } from "./live/followers.ts";
import { handOver } from "./live/hand-over.ts";
import { createJournal, type Journal } from "./live/live-journal.ts";
import { orLost } from "./live/outcomes.ts";
import type { OwnedRun, OwnedRuns } from "./live/owned-runs.ts";
import type { Ownership } from "./live/ownership.ts";
import { createRunMemory } from "./live/run-memory.ts";
import { type CallRunRequest, openCallRun } from "./prepare/open-calls.ts";
import { type ProgramRequest, prepareProgram } from "./prepare/prepare.ts";
import { readFailedProgram } from "./read/failed-program.ts";
import type { RunReader } from "./read/reading.ts";
import type { TokenBudgets } from "./record/receipt.ts";
import { createReuse } from "./record/repair.ts";
import type { PendingCall, Report } from "./record/report-shape.ts";

export interface StartingDeps extends ProgramDeps {
  readonly compiler: Compiler;
  readonly store: Store;
  /** See `PrepareDeps`. */
  readonly tokenBudgets?: TokenBudgets;
  /** The memory budget of the process. Absent: without bound. */
  readonly memory?: MemoryBudget | undefined;
  /** Called when the record of a run cannot be kept. */
  readonly onLost: (run: string) => void;
}

export interface StartingParts extends StartingDeps {
  readonly ownership: Pick<Ownership, "begin">;
  readonly owned: OwnedRuns<OwnedRun>;
  readonly followers: Followers;
  readonly reader: RunReader;
  /** The report of a run at rest, whichever process brought it there. */
  readonly endAnywhere: (run: OwnedRun) => Promise<Report>;
}

/** See `Runner.start`. */
export async function startProgram(request: ProgramRequest, parts: StartingParts): Promise<ActiveRun> {
  const { signal, onApproval, repairOf, principal } = request;
  const { store, log, onLost, ownership, owned, followers, reader } = parts;
  const catalog = parts.catalog(principal);
  const source = repairOf && (await readFailedProgram(repairOf, principal, reader));
  const { outcome, denied, record, identity } = await prepareProgram(request, catalog, parts);
  // A large input is written for the store in one turn of the event loop, and for the worker in another.
  await whenThereIsTime();
  const memory = parts.memory && createRunMemory(parts.memory);
  memory?.begin(record.spec.length);
  const claim = ownership.begin(record.id);
  let journal: Journal | undefined;
  const run: ProgramRun = new ProgramRun(
    {
      identity,
      catalog,
      journal: () => {
        journal ??= createJournal({ store, run: record, claim, log, onLost, memory });
        return journal;
      },
      ...(source ? { reuse: createReuse(source, undefined) } : {}),
      ...(onApproval === undefined
        ? {}
        : { onPending: (pending) => askCaller(run, pending, onApproval, parts) }),
    },
    parts,
  );
  try {
    if (outcome.ok) spendTime(() => handOver(() => run.start()));
  } catch (error) {
    memory?.release();
    void claim.release();
    throw error;
  }
  if (!outcome.ok) run.refuse(endRefused(outcome, identity.program.compileMs), denied);
  const heed = heedSignal(run, signal);
  const loan = owned.lend(run, claim);
  const done = (async () => {
    using _ = loan;
    await run.rest();
    heed[Symbol.dispose]();
    return parts.endAnywhere(run);
  })();
  done.catch(() => undefined);
  return {
    id: run.id,
    report: () => run.report(),
    done,
    cancel: () => run.cancel(),
    kept: () => orLost(run, run.journal.flush()).catch(unlessTakenOver),
    events: (afterSeq, until) => followers.followLive(run.journal, { afterSeq, until }),
  };
}

/** See `Runner.openCalls` and `Runner.openChat`. */
export async function openCalls(
  request: CallRunRequest,
  parts: StartingParts,
): Promise<CallRun | { readonly known: string }> {
  const opened = await openCallRun(request, parts);
  if ("known" in opened) return opened;
  const { run, claim } = opened;
  const heed = heedSignal(run, request.signal);
  const loan = parts.owned.lend(run, claim);
  void run.rest().then(() => {
    heed[Symbol.dispose]();
    loan[Symbol.dispose]();
  });
  return run;
}

/** Rethrows unless another process took the run over: it found the run in the store. */
function unlessTakenOver(error: unknown): void {
  if (!isTakenOver(error)) throw error;
}

/** Cancels the run when the signal aborts. */
function heedSignal(run: OwnedRun, signal: AbortSignal | undefined): Disposable {
  const cancel = (): void => run.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", cancel) };
}

async function askCaller(
  run: ProgramRun,
  pending: PendingCall,
  onApproval: NonNullable<ProgramRequest["onApproval"]>,
  { callTimeoutMs: timeoutMs, bridge, log }: StartingDeps,
): Promise<void> {
  const decision = await onApproval(pending);
  if (decision === undefined) return;
  const request = { call: pending.call, decision, layers: [], timeoutMs };
  await decideCall(run, request, bridge).catch((error: unknown) => {
    log.warn({ err: error, call: pending.call }, "a decision could not be taken; the call stays pending");
  });
}
