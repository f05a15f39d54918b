/**
 * The engine as its host sees it. It runs hostile or clumsy programs, each in a fresh V8 isolate of a worker process,
 * under limits. A program can reach nothing but the tool calls that its host answers. Imports nothing from `src/` and
 * could be published alone.
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

/** The tools a program finds as globals. Only names: the host decides at each call what it may do. */
export interface ToolNamespaces {
  readonly servers: readonly {
    readonly name: string;
    readonly global: string;
    /** The tools that `Object.keys` and `in` show. Any other name can be called too; the host refuses it. */
    readonly tools: readonly {
      readonly name: string;
      readonly method: string;
      readonly positional?: readonly string[];
    }[];
  }[];
  /**
   * Tools that are globals themselves. `hidden` ones exist but are not enumerable, and the host refuses their calls.
   */
  readonly locals: readonly {
    readonly name: string;
    readonly global: string;
    readonly positional?: readonly string[];
    readonly hidden?: boolean;
  }[];
  /** Functions that the host itself answers; they belong to no server. */
  readonly functions?: readonly HostFunction[];
}

/** A function of the host under a name of its own: `tools.search("…")`. */
export interface HostFunction {
  /**
   * The object it is a property of. On `tools` it hides a server of the same name; any other object holds nothing else.
   */
  readonly on: string;
  readonly name: string;
  /** The `server` that its calls carry when they reach the host. */
  readonly server: string;
  readonly tool: string;
  /** Names of its arguments, in order. A string instead: one name for all arguments, passed as one array. */
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
   * Source map of `js`: JSON text of one flat list of numbers, four for each stretch, in order: line and column at
   * which the stretch begins, line and column of its origin, all 1-based. A negative origin column: the whole stretch
   * has that one origin. With it, error stacks, console lines and outcomes give positions in the origin.
   */
  readonly origins?: string;
}

/** What a program asks for: a tool call, with its arguments as JSON text, or a timer. */
export type EngineRequest =
  | { readonly type: "call"; readonly server: string; readonly tool: string; readonly args: string }
  | { readonly type: "timer"; readonly delayMs: number };

/**
 * What a program received: the result or error of a call, or the firing of a timer. `text` as in the protocol's
 * entries.
 */
export interface HistoryEntry {
  readonly n: number;
  readonly kind: "value" | "error" | "timer";
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** JSON text: the value, or a GuestToolError; empty for a timer. */
  readonly text: string;
}

/**
 * The record of a run that began in an earlier process or that gave its worker back. The engine replays it: the program
 * starts again, receives the same entries in the same order, and continues from there. If the program asks for anything
 * else, the run ends with `diverged`, and the differing request was not carried out.
 */
export interface EngineHistory {
  /** Where the program's clock started: milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** By n. A missing number was not recorded: the program may ask for anything there. */
  readonly requests: ReadonlyMap<number, EngineRequest>;
  readonly entries: readonly HistoryEntry[];
  readonly logs: readonly GuestLog[];
  /** Counts against the limits. The replay itself does not. */
  readonly used: { readonly wallMs: number; readonly cpuMs: number };
  /**
   * Replay only. Where the program would continue, the run ends as `suspended`; its host gets no calls.
   *
   * @defaultValue false
   */
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

/** Why a call rejects. The program catches it as a `ToolError` with these fields. */
export interface GuestToolError {
  readonly kind: ToolErrorKind;
  readonly message: string;
  readonly server: string;
  readonly tool: string;
  /** JSON text. */
  readonly data?: string;
}

/** How a call ended. `value` is JSON text. */
export type Settlement =
  | { readonly type: "value"; readonly value: string }
  | { readonly type: "error"; readonly error: GuestToolError };

/**
 * The call waits for a person. When only held calls are left, the run gives its worker back and ends as `parked`. A
 * decision that comes earlier continues in the same lease.
 */
export interface Hold {
  readonly type: "held";
  /** Resolves when the person has decided, with a function that then makes the call; stays pending otherwise. */
  readonly decided: Promise<() => Promise<Settlement>>;
}

/** One line of the program's console; arguments are joined with blanks. */
export interface GuestLog {
  readonly level: "log" | "info" | "warn" | "error" | "debug";
  readonly text: string;
}

/** The host's half of a run. Its methods must not throw. */
export interface RunHost {
  /** Answers a tool call. The signal aborts when the run ends before the call does. */
  call(call: GuestCall, signal: AbortSignal): Promise<Settlement | Hold>;
  log(entry: GuestLog): void;
  /**
   * A timer of the program fired. Called before the program gets it. Returns the time that the program's clock will
   * show, in milliseconds since the Unix epoch; so does `deliver`.
   */
  timer?(timer: { readonly n: number; readonly delayMs: number }): number | undefined;
  /**
   * Calls `fire` after `leftMs` milliseconds, unless the returned function is called first.
   *
   * @defaultValue `setTimeout`
   */
  arm?(timer: { readonly n: number; readonly delayMs: number }, leftMs: number, fire: () => void): () => void;
  /** A settlement is about to be delivered. The program sees settlements in the order of these calls. */
  deliver?(n: number, settlement: Settlement): number | undefined;
  /** The program left the queue and starts now. Returns the start time of its clock, unless the run has a history. */
  started?(): number | undefined;
}

export interface EngineRun {
  /**
   * The run's principal. No worker ever serves two principals. Null: the host's own program, which has nothing to hide
   * and may run in any worker.
   */
  readonly principal: string | null;
  readonly program: EngineProgram;
  readonly limits: RunLimits;
  /** Absent for a new run. */
  readonly history?: EngineHistory;
  /**
   * The run held a place before, so it is never refused because the queue is full. Nor is a run with a history.
   *
   * @defaultValue false
   */
  readonly admitted?: boolean;
  /**
   * Aborting cancels the run, queued or running. With `SUSPEND` as the reason the run ends as `suspended` and can be
   * resumed from its history.
   */
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

/** What a run has used. Times in milliseconds, sizes in bytes. */
export interface EngineUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly queueMs: number;
  readonly peakHeapBytes: number;
  readonly toolCalls: number;
  readonly logBytes: number;
}

/** A failure inside the program. Positions are in `program.js` or its origin: 1-based line, 1-based column. */
export interface EngineFailure {
  readonly code: EngineFailureCode;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  /** Set when an uncaught tool failure ended the program. */
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
  /** The error's causes, and the errors it holds. */
  readonly inner?: readonly InnerFailure[];
  /** How many of those are left out. */
  readonly innerLeft?: number;
}

export interface InnerFailure {
  /** Where the failure holds it: `cause`, `errors[0].cause`. */
  readonly label: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** A fault of a program that did not end it, and where: positions as in `EngineFailure`. */
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
   * Only held calls are left, no call is in flight and no timer is armed: the isolate was given back. `lastLogs` holds
   * the output that the host has not received: the end of a long output is normally passed on when the program is over.
   */
  | { readonly type: "parked"; readonly lastLogs: readonly GuestLog[] }
  | { readonly type: "suspended" }
);

export interface PoolStats {
  readonly workers: { readonly ready: number; readonly starting: number; readonly wanted: number };
  readonly runs: { readonly running: number; readonly queued: number; readonly queueLimit: number };
  /** Counted since the pool was made. */
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
   * Resolves with the outcome, whatever the program did; never rejects.
   *
   * @throws `PoolRefusal`, at once: `queue_full` when there is no place for the run, `disposed` after disposal. Then
   *   nothing of it has run, and no method of its host was called.
   */
  run(run: EngineRun): Promise<EngineOutcome>;
  stats(): PoolStats;
  /** V8 and prelude that execute programs here. A history made by another engine may not be repeated exactly. */
  readonly engine: string;
}
