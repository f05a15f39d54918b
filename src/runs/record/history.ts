/** From a journal back to a run: what its program asked and was told, and how far each of its calls has come. */
import type {
  EngineHistory,
  EngineRequest,
  GuestLog,
  GuestToolError,
  HistoryEntry,
} from "../../../sandbox/index.ts";
import type { JournalEvent, ToolFailure } from "../../journal.ts";
import type { OpenCall } from "../../tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import { toGuestText } from "./guest-values.ts";
import { parseCallId } from "./ids.ts";
import { wallMsSoFar } from "./report.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

/** Undefined for a journal whose program has not started. */
export function toHistory(events: readonly JournalEvent[]): EngineHistory | undefined {
  const opened = events.find((event) => event.type === "opened");
  if (opened === undefined) return undefined;
  const requests = new Map<number, EngineRequest>();
  const tools = new Map<number, string>();
  const entries: HistoryEntry[] = [];
  const logs: GuestLog[] = [];
  for (const event of events) {
    switch (event.type) {
      case "requested":
        requests.set(event.n, { type: "call", ...splitId(event.tool), args: event.args });
        tools.set(event.n, event.tool);
        break;
      case "timer":
        requests.set(event.n, { type: "timer", delayMs: event.delayMs });
        entries.push({ n: event.n, kind: "timer", at: event.at, text: "" });
        break;
      case "settled":
        entries.push(toEntry(event, tools.get(event.n) ?? ""));
        break;
      case "log":
        logs.push({ level: event.level, text: event.text });
        break;
    }
  }
  const used = { wallMs: wallMsSoFar(events), cpuMs: cpuMsSoFar(events) };
  return { startedAt: opened.at, requests, entries, logs, used };
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

/**
 * The error a program finds in its `catch`, as the entry's text. The key order is part of the history, and so are the
 * names, which are read back from `id`, `server/tool`, also where the program wrote them apart otherwise.
 */
export function toGuestError({ kind, message, data }: ToolFailure, id: string): GuestToolError {
  const detail = data === undefined ? {} : { data: JSON.stringify(data) };
  return { kind, message, ...splitId(id), ...detail };
}

/** A server's name has no slash; a tool's may. */
function splitId(id: string): { readonly server: string; readonly tool: string } {
  const slash = id.indexOf("/");
  return { server: id.slice(0, Math.max(0, slash)), tool: id.slice(slash + 1) };
}

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

/** Calls that nobody has to decide, and that have not settled. */
export function unfinishedCalls(events: readonly JournalEvent[]): readonly Event<"requested">[] {
  return events.filter((event) => {
    const open = event.type === "requested" ? openCallOf(events, event.call) : undefined;
    return open !== undefined && open.step !== "asked";
  }) as readonly Event<"requested">[];
}

/** Whether a run without a program waits for its client, or has ended, and nothing has happened since. */
export function restsAmongCalls(events: readonly JournalEvent[]): boolean {
  const last = events.at(-1)?.type;
  return last === "waiting" || last === "ended";
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

const ANSWER_MARKS: ReadonlySet<JournalEvent["type"]> = new Set([
  "opened",
  "resumed",
  "reopened",
  "waiting",
  "ended",
]);

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

function toEntry({ n, at, outcome }: Event<"settled">, tool: string): HistoryEntry {
  if (outcome.ok) return { n, at, kind: "value", text: toGuestText(outcome.value) };
  return { n, at, kind: "error", text: JSON.stringify(toGuestError(outcome.failure, tool)) };
}

function cpuMsSoFar(events: readonly JournalEvent[]): number {
  const last = events.findLast((event) => event.type === "waiting" && event.usage !== undefined);
  return last?.type === "waiting" ? (last.usage?.cpuMs ?? 0) : 0;
}

/** The highest number of a call, also of one that became none: a tool of the caller. */
export function lastCallNumber(events: readonly JournalEvent[]): number {
  const ids = events.flatMap((event) => {
    if (event.type === "requested") return [event.call];
    return event.type === "turn" ? event.calls.flatMap(({ call }) => call ?? []) : [];
  });
  return Math.max(0, ...ids.map((id) => parseCallId(id)?.n ?? 0));
}
