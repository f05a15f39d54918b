/**
 * One lease of a run: the host's half of a program while a worker has it. Its calls pass the gate; their settlements
 * enter the journal where the program learns of them, because that order is what a replay repeats.
 */
import type { GuestCall, Hold, RunHost, Settlement } from "../../../sandbox/index.ts";
import type { JournalEventBody } from "../../journal.ts";
import type { Log } from "../../log.ts";
import type { Bridge } from "../../tools/gate/bridge.ts";
import type {
  CallJournal,
  GateCall,
  GateOutcome,
  HumanDecision,
  OpenCall,
} from "../../tools/gate/gate-call.ts";
import { type FinalOutcome, refuseCall, settle } from "../../tools/settlement.ts";
import { toGuestText } from "../record/guest-values.ts";
import { toGuestError } from "../record/history.ts";
import type { PendingCall } from "../record/report-shape.ts";
import type { Journal } from "./live-journal.ts";

export interface LeaseOptions {
  readonly journal: () => Journal;
  readonly bridge: Bridge;
  readonly log: Log;
  /** The gate's view of a call of this run; `n` is its number in the program. */
  readonly gate: (
    call: Pick<GuestCall, "n" | "args" | "fault"> & { readonly tool: string },
    rest: GateRest,
  ) => GateCall;
  /** How far this call came under an earlier lease; undefined for a new call. */
  readonly openCall: (id: string, n: number) => OpenCall | undefined;
  /** Milliseconds until the run's own deadline. */
  readonly leftMs: () => number;
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
  /** A call needs approval. */
  readonly onPending: (pending: PendingCall) => void;
  readonly onStarted: () => number;
}

export type GateRest = Pick<GateCall, "journal" | "timeoutMs" | "leftMs" | "signal">;

export interface Lease {
  readonly host: RunHost;
  /** Passes the decision to a call that this lease holds. The call resumes when the engine takes it. */
  decided(call: string, decision: HumanDecision): void;
  /** Aborts the calls under way. Nothing of them reaches the journal any more. Idempotent. */
  close(): void;
  /**
   * For a program that is gone and whose record cannot be kept: lets the calls under way finish, and appends their
   * settlements to the journal. Resolves when none is under way, or after `close()`. Never rejects.
   */
  finish(): Promise<void>;
}

/** Never resolves: the run is about to be ended or suspended, so the program is told nothing of the call. */
function suspended(): Promise<Settlement> {
  return new Promise(() => undefined);
}

/**
 * Milliseconds of the run's remaining time that no call gets: the program needs them to learn of the call's outcome.
 */
const DEADLINE_MARGIN_MS = 500;
const SHORTEST_CALL_MS = 100;
/**
 * Milliseconds until the settlement of a changing call is flushed on its own. Usually the next changing call's flush
 * takes it along earlier.
 */
const KEEP_WITHIN_MS = 2;

export function createLease(options: LeaseOptions): Lease {
  const { journal, bridge, callTimeoutMs } = options;
  const settlements = new Map<number, JournalEventBody>();
  /** Calls under way that may change something. */
  const changes = new Set<number>();
  const held = new Map<string, (decision: HumanDecision) => void>();
  /** Calls inside the gate. */
  const atGate = new Set<Promise<GateOutcome>>();
  const abort = new AbortController();
  let isHeeding = false;
  let finishing = false;
  let closed = false;
  let keeping: NodeJS.Timeout | undefined;

  const callJournal: CallJournal = {
    append(body) {
      if (closed) return;
      if (body.type === "started" && !body.readOnly) changes.add(body.n);
      if (body.type !== "settled" || finishing) return void journal().append(body);
      settlements.set(body.n, body);
      journal().holds(body);
    },
    flush: () => journal().flush(),
    isHeld: () => journal().isHeld(),
  };

  /** If the outcome of a changing call were lost, a person would have to say what became of it. */
  function keepSoon(): void {
    keeping ??= setTimeout(() => {
      keeping = undefined;
      journal()
        .flush()
        .catch(() => {});
    }, KEEP_WITHIN_MS);
  }

  /** All calls of a lease share the engine's signal. It aborts them unless `finish` lets them end. */
  function heed(signal: AbortSignal): void {
    if (isHeeding) return;
    isHeeding = true;
    const pass = (): void => {
      if (!finishing) abort.abort(signal.reason);
    };
    signal.addEventListener("abort", pass, { once: true });
  }

  function leftForCallMs(): number {
    return Math.max(SHORTEST_CALL_MS, options.leftMs() - DEADLINE_MARGIN_MS);
  }

  async function call(guest: GuestCall, signal: AbortSignal): Promise<Settlement | Hold> {
    const { server, tool, n } = guest;
    const runAllowsMs = leftForCallMs();
    const timeoutMs = Math.ceil(Math.min(callTimeoutMs, runAllowsMs));
    const named = { ...guest, tool: `${server}/${tool}` };
    heed(signal);
    const rest = { journal: callJournal, timeoutMs, signal: abort.signal };
    const startedAt = performance.now();
    const gate = options.gate(named, { ...rest, leftMs: Math.ceil(runAllowsMs) });
    const open = options.openCall(gate.id, n);
    const outcome = await guarded(gate, () =>
      open === undefined ? bridge.call(gate) : bridge.resume(gate, open),
    );
    if (outcome.type === "unkept") return suspended();
    if (outcome.type === "pending") {
      // The question is asked when the run is resumed.
      if (finishing) return suspended();
      const { type: _, ...pending } = outcome;
      const asDecided = (): GateCall => options.gate(named, { ...rest, leftMs: Math.ceil(leftForCallMs()) });
      return hold(guest, asDecided, { call: gate.id, ...pending });
    }
    // Progress may have extended the call to the end of the time that its run has left.
    const hadAll = performance.now() - startedAt >= runAllowsMs;
    return toSettlement(outcome, guest, hadAll || runAllowsMs < callTimeoutMs);
  }

  /** The gate rejects only on a fault of its own. The program learns no more than that. */
  async function guarded(gate: GateCall, act: () => Promise<GateOutcome>): Promise<GateOutcome> {
    let outcome: Promise<GateOutcome> | undefined;
    try {
      outcome = act();
      atGate.add(outcome);
      return await outcome;
    } catch (error) {
      options.log.error({ err: error, call: gate.id }, "the gate failed");
      return settle(gate, refuseCall({ kind: "tool", message: "The call failed in the gateway." }));
    } finally {
      if (outcome !== undefined) atGate.delete(outcome);
    }
  }

  /** `asDecided`: the gate's view of the call after the decision, which can have narrowed the policy. */
  function hold(guest: GuestCall, asDecided: () => GateCall, pending: PendingCall): Hold {
    const { promise: decided, resolve } = Promise.withResolvers<() => Promise<Settlement>>();
    held.set(pending.call, (decision) =>
      resolve(async () => {
        const gate = asDecided();
        const outcome = await guarded(gate, () => bridge.resume(gate, { step: "decided", decision }));
        if (outcome.type === "unkept") return suspended();
        if (outcome.type === "pending") throw new Error("a decided call was held again");
        return toSettlement(outcome, guest, false);
      }),
    );
    options.onPending(pending);
    return { type: "held", decided };
  }

  function toSettlement(
    outcome: FinalOutcome,
    { server, tool }: GuestCall,
    isCutByRun: boolean,
  ): Promise<Settlement> | Settlement {
    if (outcome.type === "value") return { ...outcome, value: toGuestText(outcome.value) };
    // The run's own deadline cut the call short: the run itself ends in a moment, with wall_timeout.
    if (outcome.failure.kind === "timeout" && isCutByRun) return suspended();
    return { type: "error", error: toGuestError(outcome.failure, `${server}/${tool}`) };
  }

  function close(): void {
    if (closed) return;
    closed = true;
    clearTimeout(keeping);
    if (atGate.size > 0) abort.abort();
  }

  return {
    host: {
      call,
      started: options.onStarted,
      log: ({ level, text }) => void journal().append({ type: "log", level, text }),
      timer: ({ n, delayMs }) => journal().append({ type: "timer", n, delayMs }).at,
      deliver(n) {
        const settled = settlements.get(n);
        settlements.delete(n);
        if (settled === undefined) return undefined;
        if (changes.delete(n)) keepSoon();
        return journal().append(settled).at;
      },
    },
    decided(id, decision) {
      held.get(id)?.(decision);
      held.delete(id);
    },
    close,
    async finish() {
      finishing = true;
      for (const settled of settlements.values()) journal().append(settled);
      settlements.clear();
      while (atGate.size > 0) await Promise.allSettled(atGate);
      close();
    },
  };
}
