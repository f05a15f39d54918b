/** The options of the library's callers: servers, limits, options of a run, decisions. Each is parsed once. */
import type { RunLimits, WorkerPoolOptions } from "../sandbox/index.ts";
import { ToolariumError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { LocalTool, ServerSpec } from "./mcp/server.ts";
import type { StreamEvent } from "./runs/record/events.ts";
import type { PendingCall } from "./runs/record/report-shape.ts";
import type { HumanDecision } from "./tools/gate/gate-call.ts";

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

/** Options of `createSandbox`. Patterns are `server/tool`, with `*` for any characters. */
export interface SandboxOptions
  extends Pick<WorkerPoolOptions, "workers" | "runsPerWorker" | "queue" | "isolation" | "wrapper"> {
  /**
   * Tools as functions, globals of a program. They run automatically unless defined with `needsApproval`.
   *
   * @defaultValue none
   */
  readonly tools?: readonly LocalTool[];
  /**
   * MCP servers by the names that programs use.
   *
   * @defaultValue none
   */
  readonly mcpServers?: { readonly [name: string]: SandboxServer };
  /**
   * Patterns of the tools of MCP servers that run without a person.
   *
   * @defaultValue none: each call of a server's tool waits for a person
   */
  readonly autoExecute?: readonly string[];
  /**
   * Patterns of the tools of MCP servers that change nothing.
   *
   * @defaultValue none
   */
  readonly readOnly?: readonly string[];
  /**
   * Limits of a run without limits of its own.
   *
   * @defaultValue `defaultLimits`
   */
  readonly limits?: Partial<RunLimits>;
  /**
   * Milliseconds for one tool call. A progress report of its tool starts them again, up to 300,000 in all.
   *
   * @defaultValue 30,000
   */
  readonly callTimeoutMs?: number;
  /**
   * A file that keeps runs and journals, for one process at a time. Unfinished runs of an earlier process are resumed.
   *
   * @defaultValue `:memory:`, which keeps nothing
   */
  readonly storePath?: string;
  /**
   * Calls that may change something wait until the disk has their record, so that it survives a power cut too.
   *
   * @defaultValue false: the record survives the end of this process, also by SIGKILL
   */
  readonly storeFsync?: boolean;
  /**
   * Bytes that the kept runs of one principal may take. Above it, its next runs are refused with `store_full`; those
   * under way continue.
   *
   * @defaultValue no bound
   */
  readonly storeMaxBytesPerPrincipal?: number;
  /**
   * Whether the shapes of results are learned, for tools that do not declare theirs: per principal, never values.
   * Programs that do not fit them are warned, never refused.
   *
   * @defaultValue false: a check then depends on the tools alone
   */
  readonly learn?: boolean;
  /**
   * The servers' secrets are removed from everything it gets.
   *
   * @defaultValue warnings and errors, on stderr
   */
  readonly log?: Log;
}

export interface DeclarationOptions {
  /**
   * Includes learned shapes of results; needs `learn`.
   *
   * @defaultValue false
   */
  readonly observed?: boolean;
  /**
   * The principal whose calls taught them.
   *
   * @defaultValue `local`
   */
  readonly principal?: string;
}

export interface RunOptions {
  /**
   * The global `input` of the program; anything JSON can hold.
   *
   * @defaultValue null
   */
  readonly input?: unknown;
  /**
   * Aborting cancels the run, until it waits for a person for the first time.
   *
   * @defaultValue nothing cancels it
   */
  readonly signal?: AbortSignal;
  /**
   * Limits of this run. One above its ceiling is refused, never cut.
   *
   * @defaultValue those of the sandbox
   */
  readonly limits?: Partial<RunLimits>;
  /**
   * Narrows the tools of this run: patterns like `server/*`.
   *
   * @defaultValue all tools of the sandbox
   */
  readonly tools?: readonly string[];
  /**
   * `error`: a program that does not fit its tools does not run. `warn`: it runs, with diagnostics. `off`: no check.
   *
   * @defaultValue `error`
   */
  readonly typecheck?: "error" | "warn" | "off";
  /**
   * Who owns the run. Workers are never shared between principals.
   *
   * @defaultValue `local`
   */
  readonly principal?: string;
  /**
   * Called for every event of the run, in order: `run.started`, `log`, `call.started` … An error that it throws is
   * logged.
   *
   * @defaultValue nothing is called
   */
  readonly onEvent?: (event: StreamEvent["data"]) => void;
  /**
   * Decides a call that needs approval. When it returns undefined or throws, the run waits for `decide`. Its time
   * counts against no limit.
   *
   * @defaultValue the run waits for `decide`
   */
  readonly onApproval?: (call: PendingCall) => ApprovalAnswer | Promise<ApprovalAnswer>;
  /**
   * Id of a failed run of the same principal: its calls that changed something are not made again.
   *
   * @defaultValue none
   */
  readonly repairOf?: string;
}

export interface DecideOptions {
  /**
   * Who owns the run.
   *
   * @defaultValue `local`
   */
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

const START_TIMEOUT_MS = 30_000;

const common = {
  disabled: false,
  startTimeoutMs: START_TIMEOUT_MS,
  trustAnnotations: false,
  protocol: "auto",
};

/**
 * Tools given in code, as the server `local` of a gateway: programs call them as globals. See `configFrom`.
 *
 * @throws `invalid_request` when two have one name
 *
 * @example
 * import { configFrom, defineTool, localServer } from "toolarium";
 *
 * const now = defineTool({
 *   name: "now",
 *   description: "The year.",
 *   input: { type: "object", properties: {} },
 *   execute: () => 2026,
 * });
 * const { config } = configFrom({}, [localServer([now])]);
 * console.log(config.servers[0]?.name); // local
 */
export function localServer(tools: readonly LocalTool[]): ServerSpec {
  refuseTwins(tools);
  return { ...common, name: "local", type: "local", tools };
}

export function toSpecs({ tools = [], mcpServers = {} }: SandboxOptions): readonly ServerSpec[] {
  const remote = Object.entries(mcpServers).map(([name, server]): ServerSpec => {
    if ("server" in server) return { ...common, name, type: "in-process", server: server.server };
    if ("url" in server) {
      const { url, type = "http", headers = {} } = server;
      return { ...common, name, type, url, headers, fallbackToSse: type === "http" };
    }
    const { command, args = [], env = {}, cwd } = server;
    return { ...common, name, type: "stdio", command, args, env, ...(cwd === undefined ? {} : { cwd }) };
  });
  return tools.length === 0 ? remote : [localServer(tools), ...remote];
}

export const runOptionNames: readonly (keyof RunOptions)[] = [
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

/** A misspelt option, or one of a later version, must not look as if it had an effect. */
export function refuseUnknown(options: object, known: readonly string[]): void {
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

export function toDecision(answer: ApprovalDecision, by: string): HumanDecision {
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
