/**
 * Repair without repeating: the calls of a failed run that changed something stand for equal calls of the corrected
 * program, so that no effect happens twice. Reads are made again.
 */
import { ToolariumError } from "../../errors.ts";
import type { JournalEvent } from "../../journal.ts";
import type { GateCall } from "../../tools/gate/gate-call.ts";
import type { RunReader } from "../read/reading.ts";
import { statusAfter } from "./report.ts";

/**
 * The journal of a failed program of this principal.
 *
 * @throws `not_found` when there is no such program, `invalid_request` when it has not failed
 */
export async function readFailedProgram(
  id: string,
  principal: string,
  reader: RunReader,
): Promise<readonly JournalEvent[]> {
  const param = "repair_of";
  const run = await reader.find(id, { principal, admin: false });
  if (run === undefined || run.kind !== "program") {
    const message = `There is no program ${JSON.stringify(id.slice(0, 80))} among yours.`;
    throw new ToolariumError("not_found", message, { param });
  }
  const events = await reader.journal(id);
  const status = statusAfter(events.at(-1));
  if (status === "failed") return events;
  const message = `Only a failed run can be repaired, and ${id} is ${status}.`;
  const errors = [{ pointer: `/${param}`, message }];
  throw new ToolariumError("invalid_request", message, { param, errors });
}

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
