/** One program from text to its last event: compile, lease, calls through the bridge, and what of it is journalled. */
import type { EngineFailure, EngineOutcome, GuestCall, Settlement, WorkerPool } from "../../sandbox/index.ts";
import type { CompileOutcome, PositionMap } from "../code/compile.ts";
import { originalPosition } from "../code/positions.ts";
import { errorTable, type RunErrorCode } from "../errors.ts";
import type { JournalEvent, RunError } from "../journal.ts";
import type { Bridge, GateCall } from "../tools/bridge.ts";
import type { Catalog } from "../tools/catalog.ts";
import { toNamespaces } from "../tools/catalog.ts";
import { visible } from "../tools/policy.ts";
import { hintFor } from "./hints.ts";
import { toCallId } from "./ids.ts";
import type { Journal } from "./live-journal.ts";
import type { ProgramRequest } from "./runner.ts";
import { sealJournal } from "./seal.ts";
import { toRunUsage } from "./usage.ts";

/** A call may take what is left of the run, less the time to tell the program about it. */
const DEADLINE_MARGIN_MS = 500;
const SHORTEST_CALL_MS = 100;

export interface ProgramDeps {
  readonly pool: Pick<WorkerPool, "run">;
  readonly bridge: Bridge;
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
}

export interface Program {
  readonly id: string;
  readonly request: ProgramRequest;
  readonly catalog: Catalog;
  readonly programHash: string;
  readonly compileMs: number;
  readonly signal: AbortSignal;
  /** Makes the journal at its first use: a run that finds no place leaves no record. */
  readonly journal: () => Journal;
}

/**
 * Hands a compiled program to the pool. Throws `PoolRefusal` at once when there is no place for it; the promise
 * resolves when the run has ended or waits for a person, and all that is in its journal. It never rejects.
 */
export function runProgram(
  program: Program,
  compiled: { readonly js: string; readonly positions: PositionMap },
  deps: ProgramDeps,
): Promise<void> {
  const { id, request, catalog, journal, signal } = program;
  let startedAt = performance.now();
  const outcome = deps.pool.run({
    principal: request.principal,
    limits: request.limits,
    signal,
    program: {
      js: compiled.js,
      namespaces: toNamespaces(catalog, visible(catalog, request.policy)),
      input: JSON.stringify(request.input ?? null),
      seed: id,
      startedAt: Date.now(),
    },
    host: {
      started() {
        startedAt = performance.now();
        open(program);
      },
      log: ({ level, text }) => void journal().append({ type: "log", level, text }),
      timer: ({ n, delayMs }) => void journal().append({ type: "timer", n, delayMs }),
      call: (call, callSignal) => callTool(call, callSignal, startedAt, program, deps),
    },
  });
  return outcome.then((end) => finish(end, program, compiled.positions));
}

/** Records a program that the compiler refused: it never ran. */
export function recordRefusal(program: Program, outcome: Extract<CompileOutcome, { ok: false }>): void {
  const { hint, line, column } = outcome;
  const error: RunError = {
    code: outcome.code,
    message: outcome.message,
    ...(hint === undefined ? {} : { hint }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    effects: "none",
  };
  open(program);
  const usage = toRunUsage({ compileMs: program.compileMs });
  program.journal().append({ type: "ended", status: "failed", result: null, error, usage });
}

function open({ journal, programHash, catalog }: Program): void {
  journal().append({ type: "opened", programHash, catalogVersion: catalog.version });
}

async function callTool(
  call: GuestCall,
  signal: AbortSignal,
  startedAt: number,
  program: Program,
  deps: ProgramDeps,
): Promise<Settlement> {
  const { request, catalog, journal, id } = program;
  const { server, tool, n } = call;
  const leftMs = request.limits.wallMs - (performance.now() - startedAt) - DEADLINE_MARGIN_MS;
  const runAllowsMs = Math.max(SHORTEST_CALL_MS, leftMs);
  const gateCall: GateCall = {
    journal: sealJournal(journal()),
    n,
    id: toCallId(id, n),
    tool: `${server}/${tool}`,
    args: call.args,
    ...(call.fault === undefined ? {} : { fault: call.fault }),
    catalog,
    policy: request.policy,
    consent: request.approval === "deny" ? "deny" : "ask",
    timeoutMs: Math.ceil(Math.min(deps.callTimeoutMs, runAllowsMs)),
    resultBytes: request.limits.toolResultBytes,
    signal,
  };
  let outcome = await deps.bridge.call(gateCall);
  if (outcome.type === "pending") {
    if (request.onApproval === undefined) return { type: "held" };
    const { tool: pendingTool, arguments: args, reason } = outcome;
    const decision = await request.onApproval({
      call: gateCall.id,
      tool: pendingTool,
      arguments: args,
      reason,
    });
    if (decision === undefined) return { type: "held" };
    outcome = await deps.bridge.decide(gateCall, decision);
  }
  if (outcome.type === "value") return outcome;
  const { kind, message, data } = outcome.failure;
  // The run's own deadline cut the call short: it is the run that ends, in a moment, with wall_timeout.
  if (kind === "timeout" && runAllowsMs < deps.callTimeoutMs) return new Promise(() => undefined);
  const detail = data === undefined ? {} : { data: JSON.stringify(data) };
  return { type: "error", error: { kind, message, server, tool, ...detail } };
}

function finish(outcome: EngineOutcome, program: Program, positions: PositionMap): void {
  const journal = program.journal();
  if (journal.events.length === 0) open(program);
  const usage = toRunUsage({ compileMs: program.compileMs, ...outcome.usage });
  if (outcome.type === "parked") {
    journal.append({ type: "waiting", usage });
    return;
  }
  const { warnings } = outcome;
  if (outcome.type === "completed") {
    journal.append({
      type: "ended",
      status: "completed",
      result: outcome.result,
      error: null,
      usage,
      warnings,
    });
    return;
  }
  const status = outcome.failure.code === "cancelled" ? "cancelled" : "failed";
  const error = toRunError(outcome.failure, positions, journal.events);
  journal.append({ type: "ended", status, result: null, error, usage, warnings });
}

function toRunError(
  failure: EngineFailure,
  positions: PositionMap,
  events: readonly JournalEvent[],
): RunError {
  const { code, line, column, tool } = failure;
  const place =
    line === undefined || column === undefined ? undefined : originalPosition(positions, line, column);
  const hint = hintFor(failure);
  return {
    code: code satisfies RunErrorCode,
    message: failure.message === "" ? errorTable[code].message : failure.message,
    ...(hint === undefined ? {} : { hint }),
    ...place,
    effects: effectsOf(events),
    ...(tool === undefined ? {} : { tool }),
  };
}

/** `possible` iff a call that is not read-only had started. */
export function effectsOf(events: readonly JournalEvent[]): RunError["effects"] {
  return events.some((event) => event.type === "started" && !event.readOnly) ? "possible" : "none";
}
