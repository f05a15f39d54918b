/**
 * The journal of a run: typed, append-only, versioned. What happened is said here and nowhere else; reports, event
 * streams, audit rows and logs are derived from it.
 */
import type { ToolErrorKind } from "../sandbox/index.ts";
import type { RunErrorCode } from "./errors.ts";

/** What the events so far make of a run. */
export type RunStatus = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";

/** A tool's failure as a program sees it. */
export interface ToolFailure {
  readonly kind: ToolErrorKind;
  readonly message: string;
  readonly data?: unknown;
}

interface EventHead {
  /** 1, 2, 3 … within the run. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** `n` numbers the calls and timers of a run in the order in which the program issued them. */
export type JournalEvent = EventHead &
  (
    | {
        /**
         * The first event of every run: it left the queue and starts now, or ends at once. Its time is where the
         * program's clock starts.
         */
        readonly type: "opened";
        /** Null for runs without a program. */
        readonly programHash: string | null;
        readonly catalogVersion: string;
      }
    | {
        readonly type: "requested";
        readonly n: number;
        readonly call: string;
        readonly tool: string;
        readonly args: string;
        readonly argsBytes: number;
      }
    | {
        readonly type: "decided";
        readonly n: number;
        readonly call: string;
        readonly decision: "auto" | "ask" | "approved" | "denied" | "result";
        /** `policy` or the principal of the person. */
        readonly by: string;
        readonly reason?: string;
        /** Canonical JSON text of the arguments that will be sent (defaults filled, perhaps edited by the person). */
        readonly args?: string;
      }
    | {
        readonly type: "started";
        readonly n: number;
        readonly call: string;
        readonly tool: string;
        readonly argsHash: string;
        readonly readOnly: boolean;
      }
    | {
        readonly type: "settled";
        readonly n: number;
        readonly call: string;
        readonly outcome:
          | { readonly ok: true; readonly value: string }
          | { readonly ok: false; readonly failure: ToolFailure };
        readonly resultBytes: number;
        readonly reused: boolean;
      }
    | { readonly type: "timer"; readonly n: number; readonly delayMs: number }
    | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
    | {
        readonly type: "waiting";
        /** What the run has used so far. */
        readonly usage?: RunUsage;
      }
    | {
        readonly type: "ended";
        readonly status: "completed" | "failed" | "cancelled";
        readonly result: string | null;
        readonly error: RunError | null;
        readonly usage: RunUsage;
        /** What the program did that it should not, though it ended all the same: calls it did not await. */
        readonly warnings?: readonly string[];
      }
  );

export type JournalEventBody = JournalEvent extends infer E
  ? E extends EventHead
    ? Omit<E, keyof EventHead>
    : never
  : never;

export type LogLevel = "log" | "info" | "warn" | "error" | "debug";

export interface RunError {
  readonly code: RunErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly line?: number;
  readonly column?: number;
  /** `possible` iff a call that is not read-only had started. */
  readonly effects: "none" | "possible";
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
}

export interface RunUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly queueMs: number;
  readonly compileMs: number;
  readonly toolCalls: number;
  readonly logBytes: number;
  readonly peakHeapBytes: number;
  readonly tokens: {
    readonly declarations: number;
    readonly program: number;
    readonly result: number;
    readonly directEstimate: number;
  };
}
