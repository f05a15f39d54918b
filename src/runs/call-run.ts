/** Calls made outside a program, recorded like those of one: a chat request's, or one that a person asked for. */
import type { RunLimits } from "../../sandbox/index.ts";
import type { ToolFailure } from "../journal.ts";
import type { Bridge } from "../tools/bridge.ts";
import type { Catalog } from "../tools/catalog.ts";
import type { Policy } from "../tools/policy.ts";
import { effectsOf } from "./endings.ts";
import { toCallId } from "./ids.ts";
import type { Journal } from "./live-journal.ts";
import type { PendingCall } from "./report.ts";
import { sealJournal } from "./seal.ts";
import { toRunUsage } from "./usage.ts";

/** Calls made outside a program: a chat request in agent or plain mode, or one explicit call. */
export interface CallRunRequest {
  readonly principal: string;
  readonly kind: "chat" | "call";
  readonly policy: Policy;
  readonly limits: RunLimits;
  /** `auto`: policy decides. `granted`: a person asked for exactly this call, so only `deny` refuses it. */
  readonly consent: "auto" | "granted";
  /** Aborting cancels the calls in flight and ends the record as cancelled. */
  readonly signal?: AbortSignal;
}

export type CallResult =
  | { readonly type: "value"; readonly call: string; readonly value: unknown }
  | { readonly type: "failure"; readonly call: string; readonly failure: ToolFailure }
  | { readonly type: "pending"; readonly pending: PendingCall };

export interface CallRun {
  readonly id: string;
  /** Never rejects. `tool` is `server/tool`; `args` is JSON text as the model or the person wrote it. */
  call(tool: string, args: string): Promise<CallResult>;
  /** Ends the record: nothing is accepted after. `waiting` when pending calls were returned to the client. */
  end(status: "completed" | "failed" | "cancelled" | "waiting"): Promise<void>;
}

export interface CallRunDeps {
  readonly id: string;
  readonly request: CallRunRequest;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly bridge: Bridge;
  /** Milliseconds for one call. */
  readonly callTimeoutMs: number;
}

export function openCallRun(deps: CallRunDeps): CallRun & { cancel(): void; readonly ended: Promise<void> } {
  const { id, request, catalog, journal, bridge, callTimeoutMs } = deps;
  const abort = new AbortController();
  const { promise: ended, resolve: setEnded } = Promise.withResolvers<void>();
  const openedAt = performance.now();
  let calls = 0;
  let over = false;

  const end: CallRun["end"] = async (status) => {
    if (over) return journal.flush();
    over = true;
    request.signal?.removeEventListener("abort", cancel);
    abort.abort();
    if (status === "waiting") journal.append({ type: "waiting" });
    else {
      const code = status === "cancelled" ? "cancelled" : "internal_error";
      const words =
        status === "cancelled" ? "The request was cancelled." : "The request could not be finished.";
      const error =
        status === "completed"
          ? null
          : ({ code, message: words, effects: effectsOf(journal.events) } as const);
      journal.append({
        type: "ended",
        status,
        result: null,
        error,
        usage: toRunUsage({ wallMs: performance.now() - openedAt, toolCalls: calls }),
      });
    }
    setEnded();
    await journal.flush();
  };
  const cancel = (): void => void end("cancelled").catch(() => undefined);

  journal.append({ type: "opened", programHash: null, catalogVersion: catalog.version });
  request.signal?.addEventListener("abort", cancel, { once: true });
  if (request.signal?.aborted) cancel();

  return {
    id,
    ended,
    cancel,
    end,
    async call(tool, args) {
      calls += 1;
      const n = calls;
      const call = toCallId(id, n);
      if (over)
        return { type: "failure", call, failure: { kind: "cancelled", message: "The request has ended." } };
      if (n > request.limits.toolCalls) {
        const message = `More than ${request.limits.toolCalls} tool calls in one request.`;
        return { type: "failure", call, failure: { kind: "denied", message } };
      }
      const outcome = await bridge.call({
        journal: sealJournal(journal),
        n,
        id: call,
        tool,
        args,
        catalog,
        policy: request.policy,
        consent: request.consent === "granted" ? { grantedBy: request.principal } : "ask",
        timeoutMs: callTimeoutMs,
        resultBytes: request.limits.toolResultBytes,
        signal: abort.signal,
      });
      if (outcome.type === "value") return { type: "value", call, value: JSON.parse(outcome.value) };
      if (outcome.type === "failure") return { type: "failure", call, failure: outcome.failure };
      const { tool: id_, arguments: arguments_, reason } = outcome;
      return { type: "pending", pending: { call, tool: id_, arguments: arguments_, reason } };
    },
  };
}
