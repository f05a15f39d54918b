/** Toolarium as a library: programs over tools given in code and over MCP servers, without HTTP or a configuration file. */
import { type PoolStats, type RunLimits, resolveLimits, type WorkerPoolOptions } from "../sandbox/index.ts";
import { renderDeclarations } from "./code/declarations.ts";
import { createCore } from "./core.ts";
import { ToolariumError } from "./errors.ts";
import { createLog, type Log } from "./log.ts";
import type { LocalTool, ServerSpec } from "./mcp/hub.ts";
import { type CheckResult, checkProgram } from "./runs/check.ts";
import { createStreamMapper, type StreamEvent } from "./runs/events.ts";
import type { PendingCall, Report } from "./runs/report.ts";
import type { ActiveRun } from "./runs/runner.ts";
import type { HumanDecision } from "./tools/bridge.ts";
import { type Policy, visible } from "./tools/policy.ts";

/** An MCP server object in this process, such as the SDK's `McpServer`. */
export interface InProcessServer {
  connect(transport: unknown): Promise<void>;
  close(): Promise<void>;
}

/** How to reach an MCP server: a command, an address, or a server object in this process. */
export type SandboxServer =
  | {
      readonly command: string;
      readonly args?: readonly string[];
      readonly env?: { readonly [name: string]: string };
      readonly cwd?: string;
    }
  | {
      readonly url: string;
      readonly type?: "http" | "sse";
      readonly headers?: { readonly [name: string]: string };
    }
  | { readonly server: InProcessServer };

export interface SandboxOptions
  extends Pick<WorkerPoolOptions, "workers" | "runsPerWorker" | "queue" | "isolation" | "wrapper"> {
  /** Tools as functions, globals of a program. They run automatically unless defined with `needsApproval`. */
  readonly tools?: readonly LocalTool[];
  readonly mcpServers?: { readonly [name: string]: SandboxServer };
  /** Patterns of the tools of MCP servers that run without a person. Default none: tool calls are suggestions. */
  readonly autoExecute?: readonly string[];
  /** Patterns of the tools of MCP servers that change nothing. Default none. */
  readonly readOnly?: readonly string[];
  /** Defaults of a run. */
  readonly limits?: Partial<RunLimits>;
  /** Milliseconds for one tool call. Default 30 000. */
  readonly callTimeoutMs?: number;
  /**
   * A file that keeps runs and journals, for one process at a time: runs that an earlier one left go on. Default
   * `:memory:`.
   */
  readonly storePath?: string;
  /** Default: warnings and errors, on stderr. */
  readonly log?: Log;
}

export interface RunOptions {
  /** The global `input` of the program; anything JSON can hold. */
  readonly input?: unknown;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<RunLimits>;
  /** Narrows the tools of this run: patterns like `server/*`. */
  readonly tools?: readonly string[];
  readonly typecheck?: "error" | "warn" | "off";
  /** Workers are never shared between principals. Default `local`. */
  readonly principal?: string;
  /** Called for every event of the run, in order: `run.started`, `log`, `call.started` … What it throws is logged. */
  readonly onEvent?: (event: StreamEvent["data"]) => void;
  /**
   * Decides a call that needs a person. Without it, or when it answers undefined or throws, the run waits for
   * `decide`. The time it takes counts against no limit.
   */
  readonly onApproval?: (call: PendingCall) => ApprovalAnswer | Promise<ApprovalAnswer>;
  /** A failed run of the same principal: its calls that changed something are not made again. */
  readonly repairOf?: string;
}

export interface DecideOptions {
  /** Whose run it is. Default `local`. */
  readonly principal?: string;
}

/** `undefined` leaves the call waiting. */
export type ApprovalAnswer = ApprovalDecision | undefined;

/** `true` approves, `false` denies. */
export type ApprovalDecision =
  | boolean
  | { readonly decision: "approve"; readonly arguments?: unknown }
  | { readonly decision: "deny"; readonly reason?: string }
  | { readonly decision: "result"; readonly result: unknown };

export interface Sandbox extends AsyncDisposable {
  /**
   * Resolves with the report for anything the program did. Rejects with `ToolariumError` only for our faults:
   * `disposed`, `queue_full`, `invalid_request`, `limit_above_ceiling`.
   */
  run(code: string, options?: RunOptions): Promise<Report>;
  /**
   * Decides a call of a run that waits, also of one that waited in an earlier process when there is a `storePath`.
   * Resolves with the report once the run has ended or waits again. The same decision again changes nothing.
   * Rejects with `not_found`, `decision_conflict` or `invalid_arguments`; then nothing was decided.
   */
  decide(run: string, call: string, decision: ApprovalDecision, options?: DecideOptions): Promise<Report>;
  /** The `.d.ts` of everything a program can use. */
  declarations(): string;
  /** Whether the program would compile; nothing runs. */
  check(code: string): Promise<CheckResult>;
  stats(): PoolStats;
}

const CALL_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 30_000;
const APPROVAL_EXPIRES_MS = 86_400_000;

/**
 * Resolves when programs can run and every server is connected or has failed.
 *
 * @example
 * await using sandbox = await createSandbox({ tools: [calculator] });
 * const report = await sandbox.run("return await calculator({ operation: 'add', a: 1, b: 2 })");
 */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const defaults = limitsOf(options.limits);
  const log = options.log ?? createLog("warn");
  refuseTwins(options.tools ?? []);
  const everything: Policy = {
    layers: [{ rule: "tools", allow: ["*"], autoExecute: options.autoExecute ?? [], deployment: true }],
  };
  const core = await createCore({
    servers: toSpecs(options),
    marks: { readOnly: options.readOnly ?? [], idempotent: [] },
    storePath: options.storePath ?? ":memory:",
    sandbox: { ...options, memoryMb: defaults.memoryMb },
    callTimeoutMs: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
    approvalExpiresMs: APPROVAL_EXPIRES_MS,
    presentLayers: () => everything.layers,
    log,
  });
  await core.hub.settled;
  if (options.storePath !== undefined) await core.runner.recover();
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
        principal: run.principal ?? "local",
        code,
        input: run.input,
        policy: { layers: [...everything.layers, ...narrowed] },
        limits: limitsOf(run.limits, defaults),
        typecheck: run.typecheck ?? "error",
        approval: "park",
        ...(run.signal === undefined ? {} : { signal: run.signal }),
        ...(run.repairOf === undefined ? {} : { repairOf: run.repairOf }),
        ...(onApproval === undefined ? {} : { onApproval: (call) => ask(onApproval, call, log) }),
      });
      if (onEvent !== undefined) await tell(onEvent, active, log);
      return active.done;
    },
    async decide(run, call, decision, { principal = "local" } = {}) {
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
    declarations: () => renderDeclarations(visible(core.catalog(), everything)),
    async check(code) {
      refuseDisposed();
      const catalog = core.catalog();
      return checkProgram(
        { principal: "local", code, catalog, policy: everything, sourceBytes: defaults.sourceBytes },
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

function limitsOf(asked: Partial<RunLimits> = {}, defaults?: RunLimits): RunLimits {
  const resolved = resolveLimits(asked, defaults);
  if (resolved.ok) return resolved.limits;
  const { limit, asked: value, bound, kind } = resolved.problem;
  const code = kind === "above_ceiling" ? "limit_above_ceiling" : "invalid_request";
  throw new ToolariumError(code, `limits.${limit} is ${value}: ${kind.replaceAll("_", " ")} (${bound}).`, {
    param: `limits.${limit}`,
  });
}

function toSpecs({ tools = [], mcpServers = {} }: SandboxOptions): readonly ServerSpec[] {
  const common = {
    disabled: false,
    startTimeoutMs: START_TIMEOUT_MS,
    trustAnnotations: false,
    protocol: "auto",
  };
  const remote = Object.entries(mcpServers).map(([name, server]): ServerSpec => {
    if ("server" in server) return { ...common, name, type: "in-process", server: server.server };
    if ("url" in server) {
      const { url, type = "http", headers = {} } = server;
      return { ...common, name, type, url, headers, fallbackToSse: type === "http" };
    }
    const { command, args = [], env = {}, cwd } = server;
    return { ...common, name, type: "stdio", command, args, env, ...(cwd === undefined ? {} : { cwd }) };
  });
  return tools.length === 0 ? remote : [{ ...common, name: "local", type: "local", tools }, ...remote];
}

const runOptionNames: readonly (keyof RunOptions)[] = [
  "input",
  "signal",
  "limits",
  "tools",
  "typecheck",
  "principal",
  "onEvent",
  "onApproval",
  "repairOf",
];

/** An option that is misspelt, or of a later version, must not look as if it had been obeyed. */
function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `There is no option ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`;
  throw new ToolariumError("invalid_request", message, { param: unknown });
}

function refuseTwins(tools: readonly LocalTool[]): void {
  const names = tools.map(({ name }) => name);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return;
  throw new ToolariumError("invalid_request", `Two tools are named ${JSON.stringify(twin)}.`, {
    param: "tools",
  });
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

function toDecision(answer: ApprovalDecision, by: string): HumanDecision {
  if (typeof answer === "boolean") return answer ? { type: "approve", by } : { type: "deny", by };
  switch (answer.decision) {
    case "approve":
      return {
        type: "approve",
        by,
        ...(answer.arguments === undefined ? {} : { args: JSON.stringify(answer.arguments) }),
      };
    case "deny":
      return { type: "deny", by, ...(answer.reason === undefined ? {} : { reason: answer.reason }) };
    case "result":
      return { type: "result", by, value: JSON.stringify(answer.result ?? null) };
  }
}
