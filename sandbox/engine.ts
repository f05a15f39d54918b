/**
 * The engine as its host sees it: hostile or clumsy programs, each in a fresh V8 isolate of a worker process, with
 * limits, and with nothing to reach but the tool calls its host answers. Imports nothing from `src/` and could be
 * published alone.
 */
import type { RunLimits } from "./limits.ts";

/** Why a tool call rejected, as the program sees it in `error.kind`. */
export type ToolErrorKind =
  | "tool"
  | "denied"
  | "invalid_arguments"
  | "timeout"
  | "cancelled"
  | "unavailable"
  | "too_large"
  | "unsupported"
  | "unknown_tool";

/** The tools a program finds as globals. Names only: what a call may do is decided by the host, at the call. */
export interface ToolNamespaces {
  readonly servers: readonly {
    readonly name: string;
    readonly global: string;
    /** Tools that `Object.keys` and `in` show. Any other name is a callable too, and the host refuses it. */
    readonly tools: readonly {
      readonly name: string;
      readonly method: string;
      readonly positional?: readonly string[];
    }[];
  }[];
  /** Tools that are globals themselves; `hidden` ones exist, are refused by the host, and are not enumerable. */
  readonly locals: readonly {
    readonly name: string;
    readonly global: string;
    readonly positional?: readonly string[];
    readonly hidden?: boolean;
  }[];
  /** Calls of the host that are no server's tools. */
  readonly functions?: readonly HostFunction[];
}

/** A call of the host under a name of its own: `tools.search("…")`. */
export interface HostFunction {
  /** The object it hangs on: `tools`, where it hides a server of its name, or a global that holds nothing else. */
  readonly on: string;
  readonly name: string;
  /** How its calls come to the host. */
  readonly server: string;
  readonly tool: string;
  /** Its arguments in order; a string is the name for all of them, as one array. */
  readonly positional: readonly string[] | string;
}

export interface EngineProgram {
  /** A JavaScript expression: `(async () => { … })`. */
  readonly js: string;
  readonly namespaces: ToolNamespaces;
  /** JSON text of the global `input`. */
  readonly input: string;
  /** Seeds `Math.random` and `crypto`. */
  readonly seed: string;
  /**
   * Where `js` comes from: JSON text of one flat list of numbers, four for each stretch of it, in order: line and
   * column at which it begins, line and column of its origin, all from 1. A negative column of the origin: the whole
   * stretch comes from there. Error stacks, console and outcomes then name positions of the origin.
   */
  readonly origins?: string;
}

/** What a program asks for: a call, with the arguments' JSON text, or a timer. */
export type EngineRequest =
  | { readonly type: "call"; readonly server: string; readonly tool: string; readonly args: string }
  | { readonly type: "timer"; readonly delayMs: number };

/** What a program was told: the result or error of a call, or that a timer fired. `text` as in the protocol's entries. */
export interface HistoryEntry {
  readonly n: number;
  readonly kind: "value" | "error" | "timer";
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** JSON text: the value, or a GuestToolError; empty for a timer. */
  readonly text: string;
}

/**
 * What is known of a run that began in an earlier process or gave its worker back. The program is run again from its
 * start, told the same in the same order, and goes on from there; where it does not ask the same, the run ends with
 * `diverged` and nothing of what differs was done.
 */
export interface EngineHistory {
  /** Where the program's clock started: milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** By n. A number that is missing was not recorded, and may ask for anything. */
  readonly requests: ReadonlyMap<number, EngineRequest>;
  readonly entries: readonly HistoryEntry[];
  readonly logs: readonly GuestLog[];
  /** Counts against the limits; repeating does not. */
  readonly used: { readonly wallMs: number; readonly cpuMs: number };
  /** Only repeat: where the program would go on, the run ends as `suspended`, and its host is asked for nothing. */
  readonly only?: boolean;
}

/** A call the program made. `tool` is `server/tool` with the original names; `args` is JSON text, unvalidated. */
export interface GuestCall {
  readonly n: number;
  readonly server: string;
  readonly tool: string;
  readonly args: string;
  /** Set when the arguments could not be written as JSON or were too large; the host settles the call with it. */
  readonly fault?: { readonly kind: "invalid_arguments" | "too_large"; readonly message: string };
}

export interface GuestToolError {
  readonly kind: ToolErrorKind;
  readonly message: string;
  readonly server: string;
  readonly tool: string;
  /** JSON text. */
  readonly data?: string;
}

export type Settlement =
  | { readonly type: "value"; readonly value: string }
  | { readonly type: "error"; readonly error: GuestToolError };

/**
 * The call waits for a person. When nothing but held calls is left, the run gives its worker back and ends as
 * `parked`; what is decided before that goes on in the same lease.
 */
export interface Hold {
  readonly type: "held";
  /** Resolves when the person has decided, with what then makes the call; stays pending otherwise. */
  readonly decided: Promise<() => Promise<Settlement>>;
}

export interface GuestLog {
  readonly level: "log" | "info" | "warn" | "error" | "debug";
  readonly text: string;
}

/** The host's half of a run. Its methods must not throw. */
export interface RunHost {
  /** The signal aborts when the run ends before the call does. */
  call(call: GuestCall, signal: AbortSignal): Promise<Settlement | Hold>;
  log(entry: GuestLog): void;
  /**
   * A timer of the program fired; called before the program learns of it. Returns the time that the program's clock
   * will show: milliseconds since the Unix epoch. So does `deliver`.
   */
  timer?(timer: { readonly n: number; readonly delayMs: number }): number | undefined;
  /** Calls `fire` when this time is over, unless what it returns is called before. Default: `setTimeout`. */
  arm?(timer: { readonly n: number; readonly delayMs: number }, leftMs: number, fire: () => void): () => void;
  /** A settlement is about to be delivered: the order of these calls is the order the program sees. */
  deliver?(n: number, settlement: Settlement): number | undefined;
  /** The program left the queue and starts now. Returns where its clock starts, unless it has a history. */
  started?(): number | undefined;
}

export interface EngineRun {
  /**
   * Workers are never shared between principals, over a worker's whole life. Null: the host's own program, which has
   * nothing to hide and runs wherever there is room.
   */
  readonly principal: string | null;
  readonly program: EngineProgram;
  readonly limits: RunLimits;
  /** Absent for a run that begins. */
  readonly history?: EngineHistory;
  /** It had its place before: never refused for want of one in the queue. Nor is a run with a history. */
  readonly admitted?: boolean;
  /** Aborting cancels the run, queued or running; with `SUSPEND` as the reason it only leaves it where it is. */
  readonly signal?: AbortSignal;
  readonly host: RunHost;
}

export type EngineFailureCode =
  | "guest_error"
  | "cpu_timeout"
  | "wall_timeout"
  | "memory_exceeded"
  | "engine_crashed"
  | "result_too_large"
  | "not_serializable"
  | "too_many_calls"
  | "pending_forever"
  | "diverged"
  | "cancelled";

export interface EngineUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly queueMs: number;
  readonly peakHeapBytes: number;
  readonly toolCalls: number;
  readonly logBytes: number;
}

/** A failure inside the program, positions in `program.js` or its origin: 1-based line, 1-based column. */
export interface EngineFailure {
  readonly code: EngineFailureCode;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  /** Set when the program ended by a tool failure it did not catch. */
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
  /** The errors it stands on: its causes, and those that it holds. */
  readonly inner?: readonly InnerFailure[];
  /** Of those, how many are not told. */
  readonly innerLeft?: number;
}

export interface InnerFailure {
  /** Where the failure has it: `cause`, `errors[0].cause`. */
  readonly label: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** What a program did wrong that ended all the same, and where: positions as in `EngineFailure`. */
export interface EngineWarning {
  readonly severity: "warning" | "note";
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

export type EngineOutcome = { readonly usage: EngineUsage; readonly warnings: readonly EngineWarning[] } & (
  | { readonly type: "completed"; readonly result: string }
  | { readonly type: "failed"; readonly failure: EngineFailure }
  /**
   * Calls are held, nothing is in flight and no timer is armed: the isolate was given back. `lastLogs` is what the
   * host has not heard of the program's output: the end of a long one is told when the program is over.
   */
  | { readonly type: "parked"; readonly lastLogs: readonly GuestLog[] }
  | { readonly type: "suspended" }
);

export interface PoolStats {
  readonly workers: { readonly ready: number; readonly starting: number; readonly wanted: number };
  readonly runs: { readonly running: number; readonly queued: number; readonly queueLimit: number };
  /** Since the pool was made. */
  readonly totals: {
    readonly runs: number;
    readonly kills: number;
    readonly recycled: number;
    readonly startFailures: number;
  };
  readonly pids: readonly number[];
}

export interface WorkerPool extends AsyncDisposable {
  /**
   * Resolves with the outcome, whatever the program did; never rejects. Throws `PoolRefusal` at once when there is no
   * place for the run: then nothing of it has happened, and no method of its host was called.
   */
  run(run: EngineRun): Promise<EngineOutcome>;
  stats(): PoolStats;
  /** V8 and prelude that execute programs here. A history made by another engine may not be repeated exactly. */
  readonly engine: string;
}
