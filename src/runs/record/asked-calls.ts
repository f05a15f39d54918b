/** What a run waits for, as its journal says it. */
import type { JournalEvent } from "../../journal.ts";

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
