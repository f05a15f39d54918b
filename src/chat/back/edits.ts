/**
 * Finds the arguments that people edited in a conversation before they sent it back. An approval approves the call with
 * the arguments in the conversation. A denial or a result calls nothing, so its arguments do not matter.
 */
import { ToolariumError } from "../../errors.ts";
import type { Viewer } from "../../runs/live/deciders.ts";
import { editOf } from "../../runs/record/edited-arguments.ts";
import { callIdOf, parseCallId } from "../../runs/record/ids.ts";
import type { RunState } from "../../runs/record/run-state.ts";
import type { Runner } from "../../runs/runner.ts";
import type { ReadReply } from "./read-reply.ts";

/**
 * By call id: the arguments, as JSON text, of calls that are approved with other arguments than were shown.
 *
 * @throws `invalid_request` for another tool, and for an edit without a decision; `decision_conflict` for a call that
 * was approved before with other arguments. Nothing is decided then
 */
export async function readEdits(
  runner: Pick<Runner, "reader" | "catalog">,
  viewer: Viewer,
  { calls, decisions }: Pick<ReadReply, "calls" | "decisions">,
): Promise<ReadonlyMap<string, string>> {
  const { reader } = runner;
  const catalog = runner.catalog();
  const edits = new Map<string, string>();
  for (const [id, { name, args }] of calls) {
    const said = decisions.find((decision) => decision.id === id)?.said.type;
    if (said === "deny" || said === "result") continue;
    const run = parseCallId(id)?.runId ?? "";
    const asked = await reader.askedCall(run, viewer, id);
    if (asked === undefined) continue;
    const named = typeof name === "string" ? (catalog.byFunctionName(name) ?? catalog.byId(name)) : null;
    if (named && named.id !== asked.tool)
      throw refusal(`The call ${id} is one of ${asked.tool}, and cannot become one of ${named.id}.`);
    const edit = args === undefined ? undefined : editOf(args, asked.args).args;
    if (edit === undefined) continue;
    if (said === "approve") edits.set(id, edit);
    else refuseUndecided(id, edit, await reader.state(run));
  }
  return edits;
}

function refuseUndecided(id: string, edit: string, run: RunState): void {
  const made = run.call(callIdOf(id))?.decisions.at(-1);
  if (made?.decision === "ask")
    throw refusal(
      `The arguments of the call ${id} were changed, but nothing decides about it: add the tool message {"toolarium_decision":"approve"} to have it made with these, or send them as they were.`,
    );
  if (made?.decision === "approved" && editOf(edit, made.args ?? "{}").args !== undefined)
    throw refusal(
      `The arguments of the call ${id} were changed, but it was approved by ${made.by} already, with ${made.args}. Send it as it was.`,
      "decision_conflict",
    );
}

function refusal(message: string, code: "invalid_request" | "decision_conflict" = "invalid_request") {
  return new ToolariumError(code, `${message} Nothing was decided.`, { param: "messages", status: 400 });
}
