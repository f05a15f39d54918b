import type { JournalEvent } from "../../journal.ts";
import type { GateCall } from "../../tools/gate/gate-call.ts";

/**
 * `source` is the journal of the failed run, `own` what the repairing run's journal has already: after a restart its
 * calls keep their places. The nth call of the new program with one tool and arguments gets the nth such result; each
 * is given once.
 */
export function createReuse(
  source: readonly JournalEvent[],
  own: readonly JournalEvent[],
): NonNullable<GateCall["reuse"]> {
  const results = collectResults(source);
  for (const [key] of calls(own)) results.get(key)?.shift();
  return (tool, args) => (tool.readOnly ? undefined : results.get(keyOf(tool.id, args))?.shift());
}

/** Results of settled, successful calls that may have changed something, by tool and arguments, in the order asked. */
function collectResults(events: readonly JournalEvent[]): Map<string, string[]> {
  const read = new Set<string>();
  const values = new Map<string, string>();
  for (const event of events) {
    if (event.type === "started" && event.readOnly) read.add(event.call);
    if (event.type === "settled" && event.outcome.ok) values.set(event.call, event.outcome.value);
  }
  const results = new Map<string, string[]>();
  for (const [key, call] of calls(events)) {
    const value = read.has(call) ? undefined : values.get(call);
    if (value !== undefined) results.set(key, [...(results.get(key) ?? []), value]);
  }
  return results;
}

/** The calls that passed the gate's checks, in the order in which they were asked, with the arguments that were sent. */
function calls(events: readonly JournalEvent[]): readonly (readonly [key: string, call: string])[] {
  const args = new Map<string, string>();
  for (const event of events)
    if (event.type === "decided" && event.args !== undefined) args.set(event.call, event.args);
  return events.flatMap((event) => {
    const sent = event.type === "requested" ? args.get(event.call) : undefined;
    return event.type === "requested" && sent !== undefined ? [[keyOf(event.tool, sent), event.call]] : [];
  });
}

function keyOf(tool: string, args: string): string {
  return `${tool}\n${args}`;
}
