/**
 * What a journal says, read the long way: each question is a scan over all events that takes nothing from another one.
 * `RunState` answers the same questions from one reading, and must give the same answers.
 */
import type { JournalEvent, RunUsage } from "../../../src/journal.ts";
import { parseCallId } from "../../../src/runs/record/ids.ts";
import { toRunUsage } from "../../../src/runs/record/usage.ts";
import type { OpenCall } from "../../../src/tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../../src/tools/policy-layer.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

/** Undefined for a call that has settled, or that the journal does not know. */
export function openCallOf(events: readonly JournalEvent[], call: string): OpenCall | undefined {
  let open: OpenCall | undefined;
  let args = "";
  for (const event of events) {
    if (!("call" in event) || event.call !== call) continue;
    switch (event.type) {
      case "requested":
        open = { step: "requested" };
        args = event.args;
        break;
      case "decided":
        args = event.args ?? args;
        open = afterDecision(event, args);
        break;
      case "started":
        open = { step: "started", args };
        break;
      case "settled":
        return undefined;
    }
  }
  return open;
}

/** Where in a journal a person was asked what became of this call, which had started: indexes of those events. */
export function doubtsOf(events: readonly JournalEvent[], call: string): readonly number[] {
  let isStarted = false;
  let wasAsked = false;
  return events.flatMap((event, index) => {
    if (!("call" in event) || event.call !== call) return [];
    if (event.type === "started") isStarted = true;
    if (event.type === "decided" && event.heldBack === true) isStarted = wasAsked;
    wasAsked ||= isStarted && event.type === "decided" && event.decision === "ask";
    return isStarted && event.type === "decided" && event.decision === "ask" ? [index] : [];
  });
}

/**
 * What the requests that last made the run go on, and those that decided calls since, added to its policy. Undefined
 * when none did, and once it waits again: only decisions that nothing has followed yet count then.
 */
export function layersOf(events: readonly JournalEvent[]): readonly PolicyLayer[] | undefined {
  const mark = events.findLastIndex(({ type }) => type === "resumed" || type === "waiting");
  const last = events[mark];
  const layers = events.flatMap((event, index) => {
    if (event.type !== "decided" || event.layers === undefined) return [];
    return index > mark || openCallOf(events, event.call)?.step === "decided" ? event.layers : [];
  });
  const all = [...((last?.type === "resumed" && last.layers) || []), ...layers];
  return all.length === 0 ? undefined : all;
}

/** What the request that last decided this call added to the policy. */
export function layersOfDecision(events: readonly JournalEvent[], call: string): readonly PolicyLayer[] {
  const decided = events.findLast(
    (event) => event.type === "decided" && event.call === call && event.heldBack !== true,
  );
  return (decided?.type === "decided" && decided.layers) || [];
}

/** Calls that nobody has to decide, and that have not settled. */
export function unfinishedCalls(events: readonly JournalEvent[]): readonly Event<"requested">[] {
  return events.filter((event) => {
    const open = event.type === "requested" ? openCallOf(events, event.call) : undefined;
    return open !== undefined && open.step !== "asked";
  }) as readonly Event<"requested">[];
}

/** Whether a request of a client was being answered where the journal ends; decisions in between are none. */
export function wasAnswering(events: readonly JournalEvent[]): boolean {
  const mark = events.findLast(({ type }) => ANSWER_MARKS.has(type));
  return mark?.type !== "waiting" && mark?.type !== "ended";
}

/** Whether it ended while nobody was answering: it was cancelled, or waited too long. */
export function restedBeforeItEnded(events: readonly JournalEvent[]): boolean {
  return events.at(-1)?.type === "ended" && !wasAnswering(events.slice(0, -1));
}

/** The highest number of a call, also of one that became none: a tool of the caller. */
export function lastCallNumber(events: readonly JournalEvent[]): number {
  const ids = events.flatMap((event) => {
    if (event.type === "requested") return [event.call];
    return event.type === "turn" ? event.calls.flatMap(({ call }) => call ?? []) : [];
  });
  return Math.max(0, ...ids.map((id) => parseCallId(id)?.n ?? 0));
}

/** Calls that wait for a person, with the time at which each was asked: milliseconds since the Unix epoch. */
export function askedCalls(
  events: readonly JournalEvent[],
): readonly { readonly call: string; readonly at: number }[] {
  if (events.at(-1)?.type === "ended") return [];
  const asked = new Map<string, number>();
  for (const event of events) {
    if (event.type === "decided" && event.decision === "ask") asked.set(event.call, event.at);
    else if ("call" in event) asked.delete(event.call);
  }
  return [...asked].map(([call, at]) => ({ call, at }));
}

/**
 * Since when a run at rest waits, for the first of its calls to be decided or, a chat, for its client: milliseconds
 * since the Unix epoch. Undefined when it waits for nobody.
 */
export function waitsSince(events: readonly JournalEvent[]): number | undefined {
  const asked = askedCalls(events).map(({ at }) => at);
  if (asked.length > 0) return Math.min(...asked);
  const last = events.at(-1);
  return last?.type === "waiting" && events.some(({ type }) => type === "turn") ? last.at : undefined;
}

/** Whether a call that is not read-only had started, and was not held back at the last moment. */
export function hasEffects(events: readonly JournalEvent[]): boolean {
  let starts = 0;
  for (const event of events) {
    if (event.type === "started" && !event.readOnly) starts += 1;
    if (event.type === "decided" && event.heldBack === true) starts -= 1;
  }
  return starts > 0;
}

/** The end of what a program that waits has printed: its journal gets it when the program is over. */
export function lastLogsOf(events: readonly JournalEvent[]): readonly {
  readonly level: "log" | "info" | "warn" | "error" | "debug";
  readonly text: string;
  readonly at: number;
}[] {
  const mark = events.findLast(({ type }) => type === "waiting" || type === "resumed" || type === "ended");
  return mark?.type === "waiting" ? (mark.lastLogs ?? []).map((log) => ({ ...log, at: mark.at })) : [];
}

/** From event to event, without the times in which the run waited, for a person or for a process to carry it. */
export function wallMsSoFar(events: readonly JournalEvent[]): number {
  let wallMs = 0;
  let isWaiting = false;
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    // Decisions are taken while the run waits on.
    const wasIdle = (before !== undefined && isPause(before)) || (isWaiting && event.type === "decided");
    if (before !== undefined && !wasIdle && event.type !== "resumed") wallMs += event.at - before.at;
    isWaiting = event.type === "waiting" || (isWaiting && event.type === "decided");
  }
  return wallMs;
}

function usageSoFar(head: { readonly createdAt: number }, events: readonly JournalEvent[]): RunUsage {
  const [first] = events;
  return toRunUsage({
    wallMs: wallMsSoFar(events),
    queueMs: first ? first.at - head.createdAt : 0,
    toolCalls: events.filter((event) => event.type === "requested" && event.inText !== true).length,
    logBytes: events.reduce((sum, e) => sum + (e.type === "log" ? Buffer.byteLength(e.text) : 0), 0),
  });
}

/** What a run has used after these events. */
export function deriveUsage(head: { readonly createdAt: number }, events: readonly JournalEvent[]): RunUsage {
  const last = events.at(-1);
  const told = last?.type === "ended" || last?.type === "waiting" ? last.usage : undefined;
  return told ?? usageSoFar(head, events);
}

export function cpuMsSoFar(events: readonly JournalEvent[]): number {
  const last = events.findLast((event) => event.type === "waiting" && event.usage !== undefined);
  return last?.type === "waiting" ? (last.usage?.cpuMs ?? 0) : 0;
}

function afterDecision(event: Event<"decided">, args: string): OpenCall {
  const { decision, by, reason, value } = event;
  switch (decision) {
    case "ask":
      return { step: "asked", args, reason: reason ?? "" };
    case "approved":
      return { step: "decided", decision: { type: "approve", by, args } };
    case "denied":
      return { step: "decided", decision: { type: "deny", by, ...(reason === undefined ? {} : { reason }) } };
    case "result":
      return { step: "decided", decision: { type: "result", by, value: value ?? "null" } };
    case "auto":
      // Nothing has left yet: the policy is asked again.
      return { step: "requested" };
  }
}

function isPause({ type }: JournalEvent): boolean {
  return type === "waiting" || type === "ended";
}

const ANSWER_MARKS: ReadonlySet<JournalEvent["type"]> = new Set([
  "opened",
  "resumed",
  "reopened",
  "waiting",
  "ended",
]);
