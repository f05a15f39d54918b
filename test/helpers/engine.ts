/** Runs a program on the bare engine with tools given as functions, as a stranger would who embeds it. */
import {
  defaultLimits,
  type EngineOutcome,
  type EngineRun,
  type GuestCall,
  type GuestLog,
  type Hold,
  type RunLimits,
  type Settlement,
  type ToolNamespaces,
  type WorkerPool,
} from "../../sandbox/index.ts";

export type Tool = (args: never, signal: AbortSignal) => unknown;

export interface ProgramOptions {
  readonly tools?: { readonly [name: string]: Tool };
  readonly limits?: Partial<RunLimits>;
  readonly input?: unknown;
  readonly principal?: string;
  readonly seed?: string;
  /** The program's clock at its start, in milliseconds since the Unix epoch. Default: now. */
  readonly startedAt?: number;
  readonly signal?: AbortSignal;
  readonly onCall?: (call: GuestCall) => void;
}

export interface ProgramResult {
  readonly outcome: EngineOutcome;
  readonly logs: readonly GuestLog[];
  readonly calls: readonly GuestCall[];
}

/** A tool that leaves its call to a person. */
export const held: unique symbol = Symbol("held");

export async function runProgram(
  pool: WorkerPool,
  body: string,
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const logs: GuestLog[] = [];
  const calls: GuestCall[] = [];
  const tools = options.tools ?? {};
  const run: EngineRun = {
    principal: options.principal ?? "tester",
    limits: { ...defaultLimits, ...options.limits },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    program: {
      js: `(async () => {${body}\n})`,
      namespaces: namespaces(Object.keys(tools)),
      input: JSON.stringify(options.input ?? null),
      seed: options.seed ?? "seed",
    },
    host: {
      started: () => options.startedAt ?? Date.now(),
      log: (entry) => void logs.push(entry),
      async call(call, signal) {
        calls.push(call);
        options.onCall?.(call);
        return settle(call, tools[call.tool], signal);
      },
    },
  };
  return { outcome: await pool.run(run), logs, calls };
}

/** The returned value, or the failure's words where there is none. */
export function resultOf({ outcome }: ProgramResult): unknown {
  if (outcome.type === "completed") return JSON.parse(outcome.result);
  return outcome.type === "failed" ? `${outcome.failure.code}: ${outcome.failure.message}` : outcome.type;
}

export function codeOf({ outcome }: ProgramResult): string {
  return outcome.type === "failed" ? outcome.failure.code : outcome.type;
}

/** What the program did wrong though it ended: the words, and after them the place where there is one. */
export function warningsOf({ outcome }: Pick<ProgramResult, "outcome">): readonly string[] {
  return outcome.warnings.map(({ severity, message, line, column }) => {
    const words = severity === "note" ? `(note) ${message}` : message;
    return line === undefined ? words : `${words} @${line}:${column}`;
  });
}

function namespaces(names: readonly string[]): ToolNamespaces {
  return {
    servers: [{ name: "lab", global: "lab", tools: names.map((name) => ({ name, method: name })) }],
    locals: [],
  };
}

async function settle(
  call: GuestCall,
  tool: Tool | undefined,
  signal: AbortSignal,
): Promise<Settlement | Hold> {
  const { server, tool: name } = call;
  if (call.fault !== undefined) return { type: "error", error: { ...call.fault, server, tool: name } };
  if (tool === undefined)
    return {
      type: "error",
      error: { kind: "denied", message: `${name} is not allowed`, server, tool: name },
    };
  try {
    const value = await tool(JSON.parse(call.args) as never, signal);
    return value === held
      ? { type: "held", decided: new Promise(() => undefined) }
      : { type: "value", value: JSON.stringify(value ?? null) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { type: "error", error: { kind: "tool", message, server, tool: name } };
  }
}
