/**
 * What an earlier run returned, for a later program of the same principal. A value made of tool results reveals what
 * those tools returned: only a program that may use every one of them now gets it.
 */
import { type FoundTool, MAX_DESCRIBED, toolNamed } from "../../code/declare/discover.ts";
import type { CallOutcome } from "../../mcp/server.ts";
import type { BuiltinView } from "../../tools/builtin.ts";
import { refusingRule } from "../../tools/policy.ts";
import { refuseCall } from "../../tools/settlement.ts";
import { builtinTools, describedNames } from "../prepare/builtin-tools.ts";
import { readJson } from "../record/calls.ts";
import type { RunState } from "../record/run-state.ts";
import type { RunReader } from "./reading.ts";

/**
 * Runs that one value may derive from, each having read another's result. Their journals are read to know their tools.
 */
const MAX_RUNS = 32;

/** Kind `tool`: there is no such value. Kind `denied`: not every tool behind it is allowed now. */
export async function readResult(
  id: string,
  principal: string,
  view: BuiltinView,
  reader: RunReader,
): Promise<CallOutcome> {
  const run = await stateOf(id, principal, reader);
  if (run === undefined)
    return refuseCall({
      kind: "tool",
      message: `There is no program run ${JSON.stringify(id.slice(0, 80))} among yours.`,
    });
  const { end, status } = run;
  if (end?.status !== "completed") {
    const why = end?.error ? ` (${end.error.code})` : "";
    return refuseCall({
      kind: "tool",
      message: `${id} is ${status}${why}: only a completed run has a result.`,
    });
  }
  const refusal = await refusalOf(id, principal, view, reader);
  if (refusal !== undefined) return refuseCall({ kind: "denied", message: refusal });
  return { ok: true, value: end.result === null ? null : readJson(end.result) };
}

/** Undefined when there is no such program, and also when it is somebody else's. */
async function stateOf(id: string, principal: string, reader: RunReader): Promise<RunState | undefined> {
  const run = await reader.find(id, { principal, admin: false });
  return run?.kind === "program" ? reader.state(id) : undefined;
}

async function refusalOf(
  id: string,
  principal: string,
  view: BuiltinView,
  reader: RunReader,
): Promise<string | undefined> {
  const runs = new Set([id]);
  for (const run of runs) {
    if (runs.size > MAX_RUNS) return `${id} rests on the results of more than ${MAX_RUNS} other runs.`;
    const state = await stateOf(run, principal, reader);
    if (state === undefined)
      return `${id} rests on the result of ${run}, which is not kept any more: nobody knows its tools.`;
    const behind = sourcesOf(state, view);
    for (const tool of behind.tools) {
      const rule = refusingRule(tool, view.policy);
      const used = run === id ? `${id} used ${tool}` : `${id} rests on ${run}, which used ${tool}`;
      if (rule !== undefined) return `${used}, and ${rule} does not include that tool now.`;
    }
    for (const other of behind.runs) runs.add(other);
  }
  return undefined;
}

interface Sources {
  readonly tools: readonly string[];
  readonly runs: readonly string[];
}

/** The tools whose answers a run received, and the runs whose results it read. A refused call has given it nothing. */
function sourcesOf({ calls }: RunState, view: BuiltinView): Sources {
  const tools = new Set<string>();
  const runs = new Set<string>();
  for (const { tool, requested, sent, settlement } of calls) {
    if (sent !== null && !builtinIds.has(tool)) tools.add(tool);
    if (settlement?.outcome.ok !== true) continue;
    const args = (): { readonly [name: string]: unknown } => JSON.parse(requested.args);
    switch (tool) {
      case builtinTools.result.id:
        runs.add(args()["id"] as string);
        break;
      case builtinTools.search.id:
        for (const found of JSON.parse(settlement.outcome.value) as readonly FoundTool[])
          tools.add(found.tool);
        break;
      case builtinTools.describe.id:
        for (const name of describedNames(args()).slice(0, MAX_DESCRIBED)) {
          const described = toolNamed(name, view.catalog.tools);
          if (described !== undefined) tools.add(described.id);
        }
        break;
      default:
        tools.add(tool);
    }
  }
  return { tools: [...tools], runs: [...runs] };
}

const builtinIds: ReadonlySet<string> = new Set(Object.values(builtinTools).map(({ id }) => id));
