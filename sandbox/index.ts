/**
 * The engine: hostile or clumsy programs, each in a fresh V8 isolate of a worker process, with limits, and with
 * nothing to reach but the tool calls its host answers. Imports nothing from `src/` and could be published alone.
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
}

export interface EngineProgram {
  /** A JavaScript expression: `(async () => { … })`. */
  readonly js: string;
  readonly namespaces: ToolNamespaces;
  /** JSON text of the global `input`. */
  readonly input: string;
  /** Seeds `Math.random` and `crypto.randomUUID`. */
  readonly seed: string;
  /** Milliseconds since the Unix epoch at which the program's clock starts. */
  readonly startedAt: number;
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

/** `held`: the call waits for a person and will not settle in this lease. */
export type Settlement =
  | { readonly type: "value"; readonly value: string }
  | { readonly type: "error"; readonly error: GuestToolError }
  | { readonly type: "held" };

export interface GuestLog {
  readonly level: "log" | "info" | "warn" | "error" | "debug";
  readonly text: string;
}

/** The host's half of a run. Its methods must not throw. */
export interface RunHost {
  /** The signal aborts when the run ends before the call does. */
  call(call: GuestCall, signal: AbortSignal): Promise<Settlement>;
  log(entry: GuestLog): void;
  /** A timer of the program fired; called before the program learns of it. */
  timer?(timer: { readonly n: number; readonly delayMs: number }): void;
  /** A settlement is about to be delivered: the order of these calls is the order the program sees. */
  deliver?(n: number, settlement: Settlement): void;
  /** The program left the queue and starts now. */
  started?(): void;
}

export interface EngineRun {
  /**
   * Workers are never shared between principals, over a worker's whole life. Null: the host's own program, which has
   * nothing to hide and runs wherever there is room.
   */
  readonly principal: string | null;
  readonly program: EngineProgram;
  readonly limits: RunLimits;
  /** Aborting cancels the run, queued or running. */
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

/** A failure inside the program, positions in `program.js`: 1-based line, 1-based column. */
export interface EngineFailure {
  readonly code: EngineFailureCode;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  /** Set when the program ended by a tool failure it did not catch. */
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
}

export type EngineOutcome = { readonly usage: EngineUsage; readonly warnings: readonly string[] } & (
  | { readonly type: "completed"; readonly result: string }
  | { readonly type: "failed"; readonly failure: EngineFailure }
  /** Calls are held, nothing is in flight and no timer is armed: the isolate was given back. */
  | { readonly type: "parked" }
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
}

export { FairQueue } from "./fair-queue.ts";
export {
  defaultCeilings,
  defaultLimits,
  type LimitProblem,
  limitNames,
  limitTable,
  type RunLimits,
  resolveLimits,
} from "./limits.ts";
export { createWorkerPool, PoolRefusal, type WorkerPoolOptions } from "./pool.ts";
