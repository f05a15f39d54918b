import type { GateCall } from "../../tools/gate/gate-call.ts";
import type { CallRecord } from "./calls.ts";
import type { RunState } from "./run-state.ts";

/**
 * `source` is the failed run, `own` what the repairing run has already, if anything: after a restart its calls keep
 * their places. The nth call of the new program with one tool and arguments gets the nth such result; each is given
 * once.
 */
export function createReuse(source: RunState, own: RunState | undefined): NonNullable<GateCall["reuse"]> {
  const results = collectResults(source);
  for (const call of own?.calls ?? []) if (call.isChecked) results.get(keyOf(call))?.shift();
  return (tool, args) => (tool.readOnly ? undefined : results.get(keyOf({ tool: tool.id, args }))?.shift());
}

/** Results of settled, successful calls that may have changed something, by tool and arguments, in the order asked. */
function collectResults(source: RunState): Map<string, string[]> {
  const results = new Map<string, string[]>();
  for (const call of source.calls) {
    const outcome = call.settlement?.outcome;
    if (!call.isChecked || call.sent?.readOnly === true || outcome?.ok !== true) continue;
    results.set(keyOf(call), [...(results.get(keyOf(call)) ?? []), outcome.value]);
  }
  return results;
}

/** `args`: as they were sent. */
function keyOf({ tool, args }: Pick<CallRecord, "tool" | "args">): string {
  return `${tool}\n${args}`;
}
