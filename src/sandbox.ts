/** Toolarium as a library: programs over tools given in code and over MCP servers, without HTTP or a configuration file. */

import type { PoolStats } from "../sandbox/index.ts";
import { LOCAL_PRINCIPAL } from "./access/caller.ts";
import { grantLimits } from "./access/run-limits.ts";
import { renderDeclarations } from "./code/declare/declarations.ts";
import { createCore } from "./core.ts";
import { ToolariumError } from "./errors.ts";
import { createHidingLog } from "./hiding-log.ts";
import { createLog, type Log } from "./log.ts";
import { serverSecrets } from "./mcp/redact.ts";
import type { ActiveRun } from "./runs/live/active-run.ts";
import { type CheckResult, checkProgram } from "./runs/prepare/check.ts";
import { createStreamMapper } from "./runs/record/events.ts";
import type { PendingCall, Report } from "./runs/record/report-shape.ts";
import {
  type ApprovalDecision,
  type DecideOptions,
  type DeclarationOptions,
  type RunOptions,
  refuseUnknown,
  runOptionNames,
  type SandboxOptions,
  toDecision,
  toSpecs,
} from "./sandbox-options.ts";
import { openStore } from "./store/open-store.ts";
import { IN_MEMORY, type StoreSettings } from "./store/settings.ts";
import type { HumanDecision } from "./tools/gate/gate-call.ts";
import { visible } from "./tools/policy.ts";
import type { Policy } from "./tools/policy-layer.ts";

export interface Sandbox extends AsyncDisposable {
  /**
   * Runs a program: TypeScript or JavaScript, statements with a `return`, or one exported function. Resolves with the
   * report for anything the program did, also when it failed or waits for a person.
   *
   * @throws `invalid_request` for a blank program or a wrong option; `limit_above_ceiling`; `not_found` when `repairOf` is
   *   no run; `queue_full`, `not_ready`, `store_full` or `store_unavailable` when there is no room for a run now;
   *   `disposed`
   */
  run(code: string, options?: RunOptions): Promise<Report>;
  /**
   * Decides a call of a run that waits, also of one that waited in an earlier process when there is a `storePath`.
   * Resolves with the report once the run has ended or waits again. The same decision again changes nothing.
   *
   * @throws `not_found` for a run or call that is not there; `decision_conflict` when it was decided otherwise or its run
   *   has ended; `invalid_arguments` when edited arguments or a result do not fit; `tool_not_allowed`; `disposed`. Then
   *   nothing was decided.
   */
  decide(run: string, call: string, decision: ApprovalDecision, options?: DecideOptions): Promise<Report>;
  /** The `.d.ts` of everything a program can use. Equal tools give equal text. Never throws. */
  declarations(options?: DeclarationOptions): string;
  /**
   * Whether the program would compile; nothing runs.
   *
   * @throws `disposed`; `queue_full` or `not_ready` when the compiler takes no text now
   */
  check(code: string): Promise<CheckResult>;
  /** Workers and runs of this moment. Never throws. */
  stats(): PoolStats;
}

const CALL_TIMEOUT_MS = 30_000;
const MAX_CALL_TIMEOUT_MS = 300_000;
const APPROVAL_EXPIRES_MS = 86_400_000;

/**
 * Resolves when programs can run and every server is connected or has failed. Dispose of the sandbox to end what it
 * started.
 *
 * @throws `invalid_request` for two tools of one name or a limit that is none; `limit_above_ceiling`; `engine_missing`
 *   when there is no isolated-vm; `config_error` when the store cannot be opened
 *
 * @example
 * import { createSandbox, defineTool } from "toolarium";
 * import { z } from "zod";
 *
 * const transfer = defineTool({
 *   name: "transfer",
 *   description: "Moves money.",
 *   input: z.object({ amount: z.number() }),
 *   execute: ({ amount }) => `moved ${amount}`,
 *   needsApproval: true,
 * });
 * await using sandbox = await createSandbox({ tools: [transfer], workers: 1 });
 * const waiting = await sandbox.run("return await transfer({ amount: 5 })");
 * console.log(waiting.status, waiting.pending[0]?.tool); // waiting local/transfer
 * const ended = await sandbox.decide(waiting.id, waiting.pending[0]?.call ?? "", true);
 * console.log(ended.status, ended.result); // completed moved 5
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const defaults = grantLimits(options.limits ?? {});
  const servers = toSpecs(options);
  const log = createHidingLog(options.log ?? createLog("warn"), servers.flatMap(serverSecrets));
  const everything: Policy = {
    layers: [{ rule: "tools", allow: ["*"], autoExecute: options.autoExecute ?? [], deployment: true }],
  };
  const core = await createCore({
    servers,
    marks: { readOnly: options.readOnly ?? [], idempotent: [] },
    store: (log) => openStore(storeOf(options), { log }),
    sandbox: { ...options, memoryMb: defaults.memoryMb },
    callTimeoutMs: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
    maxCallTimeoutMs: MAX_CALL_TIMEOUT_MS,
    approvalExpiresMs: APPROVAL_EXPIRES_MS,
    presentLayers: () => everything.layers,
    learn: options.learn ?? false,
    log,
  });
  await core.hub.settled;
  if (core.store.keeps) await core.runner.recover();
  let disposed: Promise<void> | undefined;
  const refuseDisposed = (): void => {
    if (disposed !== undefined) throw new ToolariumError("disposed");
  };

  return {
    async run(code, run = {}) {
      refuseDisposed();
      if (typeof code !== "string" || code.trim() === "")
        throw new ToolariumError("invalid_request", "The program must be text that is not blank.", {
          param: "code",
        });
      refuseUnknown(run, runOptionNames);
      const { onApproval, onEvent } = run;
      const narrowed = run.tools === undefined ? [] : [{ rule: "tools of this run", allow: run.tools }];
      const active = await core.runner.start({
        principal: run.principal ?? LOCAL_PRINCIPAL,
        code,
        input: run.input,
        policy: { layers: [...everything.layers, ...narrowed] },
        limits: grantLimits(run.limits ?? {}, { defaults }),
        typecheck: run.typecheck ?? "error",
        approval: "park",
        ...(run.signal === undefined ? {} : { signal: run.signal }),
        ...(run.repairOf === undefined ? {} : { repairOf: run.repairOf }),
        ...(onApproval === undefined ? {} : { onApproval: (call) => ask(onApproval, call, log) }),
      });
      if (onEvent !== undefined) await tell(onEvent, active, log);
      return active.done;
    },
    async decide(run, call, decision, { principal = LOCAL_PRINCIPAL } = {}) {
      refuseDisposed();
      const decided = await core.runner.decide({
        run,
        call,
        decision: toDecision(decision, principal),
        viewer: { principal, admin: false },
      });
      if (decided === undefined)
        throw new ToolariumError("not_found", `There is no run ${JSON.stringify(run)}.`);
      return decided.done;
    },
    declarations: ({ observed = false, principal = LOCAL_PRINCIPAL } = {}) =>
      renderDeclarations(visible(observed ? core.catalog(principal) : core.catalog(), everything)),
    async check(code) {
      refuseDisposed();
      const catalog = core.catalog(LOCAL_PRINCIPAL);
      return checkProgram(
        { principal: LOCAL_PRINCIPAL, code, catalog, policy: everything, sourceBytes: defaults.sourceBytes },
        core.compiler,
      );
    },
    stats: () => core.pool.stats(),
    [Symbol.asyncDispose]() {
      disposed ??= Promise.resolve(core[Symbol.asyncDispose]());
      return disposed;
    },
  };
}

function storeOf({ storePath, storeFsync, storeMaxBytesPerPrincipal }: SandboxOptions): StoreSettings {
  return {
    path: storePath ?? IN_MEMORY,
    fsync: storeFsync ?? false,
    maxBytesPerPrincipal: storeMaxBytesPerPrincipal,
  };
}

async function tell(onEvent: NonNullable<RunOptions["onEvent"]>, run: ActiveRun, log: Log): Promise<void> {
  const toStreamEvent = createStreamMapper({ id: run.id, createdAt: Date.parse(run.report().createdAt) });
  for await (const event of run.events(0, "end")) {
    const shown = toStreamEvent(event);
    if (shown === undefined) continue;
    try {
      onEvent(shown.data);
    } catch (error) {
      log.error({ err: error, run: run.id }, "onEvent threw");
    }
  }
}

/** A callback that throws leaves the call pending: nothing is approved by accident. */
async function ask(
  onApproval: NonNullable<RunOptions["onApproval"]>,
  call: PendingCall,
  log: Log,
): Promise<HumanDecision | undefined> {
  const answer = await Promise.resolve(call)
    .then(onApproval)
    .catch((error: unknown) => {
      log.error({ err: error, call: call.call }, "onApproval threw; the call stays pending");
      return undefined;
    });
  return answer === undefined ? undefined : toDecision(answer, "onApproval");
}
