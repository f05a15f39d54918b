/** What callers of the library may ask for, read once: servers, limits, options of a run, decisions. */
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
  /** Milliseconds for one tool call, counted anew, up to 300 000, when its tool reports progress. Default 30 000. */
  readonly callTimeoutMs?: number;
  /**
   * A file that keeps runs and journals, for one process at a time: runs that an earlier one left go on. Default
   * `:memory:`.
   */
  readonly storePath?: string;
  /**
   * Calls that may change something wait until the disk has their record, so that it survives a power cut too. Default
   * false: it survives the end of this process, however that comes.
   */
  readonly storeFsync?: boolean;
  /**
   * Bytes that the kept runs of one principal may take before its next ones are refused with `store_full`; those that
   * run go on. Default: no bound.
   */
  readonly storeMaxBytesPerPrincipal?: number;
  /**
   * Whether the shapes of results are learned, for tools that do not say what they give: per principal, never values.
   * Programs that do not fit them are warned, never refused. Default false: a check then depends on the tools alone.
   */
  readonly learn?: boolean;
  /** Default: warnings and errors, on stderr. */
  readonly log?: Log;
}

export interface DeclarationOptions {
  /** With what was learned of results; needs `learn`. Default false. */
  readonly observed?: boolean;
  /** For whom it was learned. Default `local`. */
  readonly principal?: string;
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

/** An option that is misspelt, or of a later version, must not look as if it had been obeyed. */
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
