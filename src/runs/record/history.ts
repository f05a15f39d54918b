/** From a journal back to a program: its calls and their outcomes, for the engine's replay. */
import type {
  EngineHistory,
  EngineRequest,
  GuestLog,
  GuestToolError,
  HistoryEntry,
} from "../../../sandbox/index.ts";
import type { JournalEvent, ToolFailure } from "../../journal.ts";
import { toGuestText } from "./guest-values.ts";
import type { RunState } from "./run-state.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

/** Undefined for a journal whose program has not started. `state`: what the events say. */
export function toHistory(
  events: readonly JournalEvent[],
  { opened, used }: Pick<RunState, "opened" | "used">,
): EngineHistory | undefined {
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
  return { startedAt: opened.at, requests, entries, logs, used };
}

/**
 * The error that a program catches, as the entry's text. The key order is part of the history. So are the names, which
 * are read back from `id`, `server/tool`, also where the program wrote them differently.
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

function toEntry({ n, at, outcome }: Event<"settled">, tool: string): HistoryEntry {
  if (outcome.ok) return { n, at, kind: "value", text: toGuestText(outcome.value) };
  return { n, at, kind: "error", text: JSON.stringify(toGuestError(outcome.failure, tool)) };
}
