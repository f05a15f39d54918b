/**
 * The journal of a run: typed, append-only, versioned. What happened is said here and nowhere else; reports, event
 * streams, audit rows and logs are derived from it.
 */
import type { ToolErrorKind } from "../sandbox/index.ts";
import type { RunErrorCode } from "./error-codes.ts";
import type { PolicyLayer } from "./tools/policy-layer.ts";

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
        /** The engine that ran it: a replay on another one may not repeat the program's history. Null without a program. */
        readonly engine?: string | null;
      }
    | {
        /**
         * A run that waited, or that an earlier process left unfinished, goes on. Time before it, back to the event
         * before, counts against no limit.
         */
        readonly type: "resumed";
        readonly cause: "decision" | "restart" | "client";
        readonly engine: string | null;
        /** What the request that resumed it added to the run's policy, until it waits again. */
        readonly layers?: readonly PolicyLayer[];
        /** Of chat runs: the request whose answer begins here. */
        readonly request?: RequestMark;
      }
    | {
        readonly type: "requested";
        readonly n: number;
        readonly call: string;
        readonly tool: string;
        readonly args: string;
        readonly argsBytes: number;
        /** Nothing asked for it: it stands in the text of a program that was refused for it. Only the audit shows it. */
        readonly inText?: true;
      }
    | {
        readonly type: "decided";
        readonly n: number;
        readonly call: string;
        readonly decision: "auto" | "ask" | "approved" | "denied" | "result";
        /** `policy` or the principal of the person. */
        readonly by: string;
        /** Version of the policy that was asked. */
        readonly policy?: string;
        readonly reason?: string;
        /** Canonical JSON text of the arguments that will be sent (defaults filled, perhaps edited by the person). */
        readonly args?: string;
        /** Whether the person changed the arguments that were shown. */
        readonly edited?: boolean;
        /** JSON text: what the person says the result is, when the decision is `result`. */
        readonly value?: string;
        /** What the deciding request adds to the run's policy. */
        readonly layers?: readonly PolicyLayer[];
        /**
         * The decision of before, once more: the call had `started`, but that could not be kept, so it was not sent. It
         * stands where it stood.
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
        /** What is odd about the value, for whoever wrote the program. */
        readonly note?: string;
      }
    | { readonly type: "timer"; readonly n: number; readonly delayMs: number }
    | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
    | {
        /** Of chat runs: one answer of the model, as it goes back to the model in the next turn. */
        readonly type: "turn";
        /** JSON text of the assistant message, calls and all. */
        readonly message: string;
        readonly calls: readonly TurnCall[];
        /** JSON text of what the provider said of its usage. */
        readonly usage: string | null;
        /** JSON text of what else it said of the answer: its end, and fields that are not the message's. */
        readonly finish: string;
      }
    | {
        /** Of chat runs: the tool message that answered a call of the latest turn. */
        readonly type: "answered";
        /** The model's own id of the call. */
        readonly id: string;
        readonly content: string;
        /** The content is JSON text of a list of parts: an image, say, which a text cannot hold. */
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
        /** What the program did that it should not, though it ended all the same: calls it did not await. */
        readonly warnings?: readonly (string | RunWarning)[];
      }
    | {
        /** Of chat runs that stopped before their answer was complete: the same request came again. */
        readonly type: "reopened";
      }
  );

/** One call of a model's turn: its own id, and the call or the program of ours that it became; neither for one that became nothing. */
export interface TurnCall {
  readonly id: string;
  /** The id that the client knows and sends back, of a call of this run or of the caller's own tool. */
  readonly call?: string;
  /** The run of its program. */
  readonly run?: string;
  /** It is the caller's own tool, which the client answers. */
  readonly caller?: true;
}

/** By what a request is known when it comes again. */
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

/** A remark about a place in the author's text; about the whole run, where it has none. */
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
  /** What to do about it. */
  readonly hint?: string;
  /** In the author's text, from 1; absent where the failure has no place. */
  readonly line?: number;
  /** From 1, in UTF-16 units. */
  readonly column?: number;
  /** `possible` iff a call that is not read-only had started. */
  readonly effects: "none" | "possible";
  /** The tool whose failure the program did not catch. */
  readonly tool?: { readonly server: string; readonly tool: string; readonly kind: ToolErrorKind };
}

/** What a run has used. Times in milliseconds, sizes in bytes. */
export interface RunUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly queueMs: number;
  readonly compileMs: number;
  readonly toolCalls: number;
  readonly logBytes: number;
  readonly peakHeapBytes: number;
}
