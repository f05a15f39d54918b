/**
 * The search index over tool calls: one row per `requested` event, with the columns that searches use. It says where a
 * call is in the journal, never its state: that is derived from the call's events.
 */
import type { DatabaseSync } from "node:sqlite";
import { serverOf } from "../../../tools/patterns.ts";
import type { CallDecision } from "../../store.ts";

/** The facts of an event that the index holds. */
interface CallFacts {
  readonly n: number;
  readonly requested: { readonly at: number; readonly server: string; readonly tool: string } | undefined;
  /** One bit per decision in the event. */
  readonly decisions: number;
}

/** Row of `calls` without its run: what the journal's events add up to. */
export interface CallRow {
  readonly n: number;
  readonly seq: number;
  readonly at: number;
  readonly server: string;
  readonly tool: string;
  readonly decisions: number;
}

const decisionBits: { readonly [decision in CallDecision | "ask"]: number } = {
  auto: 1,
  ask: 2,
  approved: 4,
  denied: 8,
  result: 16,
};

export function decisionBit(decision: CallDecision): number {
  return decisionBits[decision];
}

/** Fields of an event, or of what a damaged file has in its place. */
interface MaybeCallEvent {
  readonly type?: unknown;
  readonly call?: unknown;
  readonly n?: unknown;
  readonly at?: unknown;
  readonly tool?: unknown;
  readonly decision?: unknown;
  readonly outcome?: unknown;
}

/** The number of the call that an event is about; null for other events. Timers have numbers too, but no id. */
export function callNumberOf(event: MaybeCallEvent): number | null {
  return typeof event.call === "string" && Number.isInteger(event.n) ? Number(event.n) : null;
}

/** Keeps the index of one run in step with the events that are appended to its journal. */
export function createCallIndex(db: DatabaseSync): {
  add(run: number, principal: string, seq: number, event: MaybeCallEvent): void;
} {
  const insert = db.prepare(
    `insert into calls (run, n, seq, at, principal, server, tool, decisions) values (?, ?, ?, ?, ?, ?, ?, 0)
     on conflict do nothing`,
  );
  const decide = db.prepare("update calls set decisions = decisions | ? where run = ? and n = ?");
  return {
    add(run, principal, seq, event) {
      const facts = callFactsOf(event);
      if (!facts) return;
      const { n, requested, decisions } = facts;
      if (requested) insert.run(run, n, seq, requested.at, principal, requested.server, requested.tool);
      if (decisions > 0) decide.run(decisions, run, n);
    },
  };
}

/** The index rows that a run with these events must have, by the calls' numbers. */
export function foldCallRows(rows: Map<number, CallRow>, seq: number, event: MaybeCallEvent): void {
  const facts = callFactsOf(event);
  if (!facts) return;
  const { n, requested } = facts;
  const row = rows.get(n) ?? (requested && { n, seq, ...requested, decisions: 0 });
  if (row) rows.set(n, { ...row, decisions: row.decisions | facts.decisions });
}

function callFactsOf(event: MaybeCallEvent): CallFacts | undefined {
  const n = callNumberOf(event);
  if (n === null) return undefined;
  switch (event.type) {
    case "requested": {
      const tool = String(event.tool);
      return { n, requested: { at: Number(event.at), server: serverOf(tool), tool }, decisions: 0 };
    }
    case "decided": {
      const said = String(event.decision);
      const decisions = Object.hasOwn(decisionBits, said) ? decisionBits[said as CallDecision] : 0;
      return { n, requested: undefined, decisions };
    }
    case "settled":
      return { n, requested: undefined, decisions: isDenial(event.outcome) ? decisionBits.denied : 0 };
    default:
      return { n, requested: undefined, decisions: 0 };
  }
}

/** Whether the outcome is a refusal. A call can be refused before there is anything to decide. */
function isDenial(outcome: unknown): boolean {
  const { failure } = (outcome ?? {}) as { readonly failure?: { readonly kind?: unknown } };
  return failure?.kind === "denied";
}
