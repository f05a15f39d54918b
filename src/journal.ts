/**
 * The journal of a run: typed, append-only, versioned. It is the only record of events; reports, event streams, audit
 * rows and logs are derived from it.
 */
import type { ToolErrorKind } from "../sandbox/index.ts";
import type { RunErrorCode } from "./error-codes.ts";
import type { PolicyLayer } from "./tools/policy-layer.ts";

/** The state of a run according to its events so far. */
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
         * The first event of every run: it left the queue and starts now, or ends at once. Its time is the start of the
         * program's clock.
         */
        readonly type: "opened";
        /** Null for runs without a program. */
        readonly programHash: string | null;
        readonly catalogVersion: string;
        /**
         * The engine that ran it; a replay on another one may differ from the program's history. Null without a
         * program.
         */
        readonly engine?: string | null;
      }
    | {
        /**
         * A run that waited, or that an earlier process left unfinished, is resumed. The time since the previous event
         * counts against no limit.
         */
        readonly type: "resumed";
        readonly cause: "decision" | "restart" | "client";
        readonly engine: string | null;
        /** The policy layers of the request that resumed it; they apply until the run waits again. */
        readonly layers?: readonly PolicyLayer[];
        /** For chat runs: the request whose answer begins here. */
        readonly request?: RequestMark;
      }
    | {
        readonly type: "requested";
        readonly n: number;
        readonly call: string;
        readonly tool: string;
        readonly args: string;
        readonly argsBytes: number;
        /** The call was never made: it is in the text of a refused program. Only the audit shows it. */
        readonly inText?: true;
      }
    | {
        readonly type: "decided";
        readonly n: number;
        readonly call: string;
        readonly decision: "auto" | "ask" | "approved" | "denied" | "result";
        /** `policy`, or the principal of the person. */
        readonly by: string;
        /** Version of the policy that decided. */
        readonly policy?: string;
        readonly reason?: string;
        /** Canonical JSON text of the arguments to be sent (defaults filled in, perhaps edited by the person). */
        readonly args?: string;
        /** Whether the person changed the arguments that were shown. */
        readonly edited?: boolean;
        /** JSON text: the person's result, for the decision `result`. */
        readonly value?: string;
        /** The policy layers of the deciding request. */
        readonly layers?: readonly PolicyLayer[];
        /**
         * Repeats the previous decision: the call had `started`, but that event could not be kept, so the call was not
         * sent. It is back at the step before.
         */
        readonly heldBack?: true;
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
        /** A remark about the value, for the program's author. */
        readonly note?: string;
      }
    | { readonly type: "timer"; readonly n: number; readonly delayMs: number }
    | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
    | {
        /** For chat runs: one answer of the model, in the form in which the model gets it back in the next turn. */
        readonly type: "turn";
        /** JSON text of the assistant message, including its calls. */
        readonly message: string;
        readonly calls: readonly TurnCall[];
        /** JSON text of the provider's usage. */
        readonly usage: string | null;
        /** JSON text of the answer's finish reason and of fields outside the message. */
        readonly finish: string;
      }
    | {
        /** For chat runs: the tool message for a call of the latest turn. */
        readonly type: "answered";
        /** The model's own id of the call. */
        readonly id: string;
        readonly content: string;
        /** The content is JSON text of a list of parts: for example an image, which plain text cannot hold. */
        readonly parts?: true;
      }
    | {
        readonly type: "waiting";
        /** What the run has used so far. */
        readonly usage?: RunUsage;
        /** The end of a long output, which is journalled only when the program is over. */
        readonly lastLogs?: readonly { readonly level: LogLevel; readonly text: string }[];
      }
    | {
        readonly type: "ended";
        readonly status: "completed" | "failed" | "cancelled";
        readonly result: string | null;
        readonly error: RunError | null;
        readonly usage: RunUsage;
        /** Faults of the program that did not end it, such as calls that it did not await. */
        readonly warnings?: readonly (string | RunWarning)[];
      }
    | {
        /** For chat runs that stopped before their answer was complete: the same request was sent again. */
        readonly type: "reopened";
      }
  );

/**
 * One call of a model's turn: its own id, and the call or the program that it became here; neither if it became none.
 */
export interface TurnCall {
  readonly id: string;
  /** The id that the client has and sends back, of a call of this run or of the caller's own tool. */
  readonly call?: string;
  /** The run of its program. */
  readonly run?: string;
  /** The tool is the caller's own, and the client answers it. */
  readonly caller?: true;
}

/** Identifies a repeated request. */
export interface RequestMark {
  /** Its `Idempotency-Key`. */
  readonly key: string | null;
  readonly bodyHash: string;
}

export type JournalEventBody = JournalEvent extends infer E
  ? E extends EventHead
    ? Omit<E, keyof EventHead>
    : never
  : never;

export type LogLevel = "log" | "info" | "warn" | "error" | "debug";

/** A remark about a place in the author's text; without a place, about the whole run. */
export interface RunWarning {
  readonly severity: "warning" | "note";
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** Why a run ended without a result. */
export interface RunError {
  readonly code: RunErrorCode;
  readonly message: string;
  /** The remedy. */
  readonly hint?: string;
  /** In the author's text, 1-based; absent for a failure without a place. */
  readonly line?: number;
  /** 1-based, in UTF-16 units. */
  readonly column?: number;
  /** `possible` iff a call that is not read-only had started. */
  readonly effects: "none" | "possible";
  /** The tool whose failure the program did not catch. */
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
}

/** The usage of a run. Times in milliseconds, sizes in bytes. */
export interface RunUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly queueMs: number;
  readonly compileMs: number;
  readonly toolCalls: number;
  readonly logBytes: number;
  readonly peakHeapBytes: number;
}
