/** Takes the tool messages of a client as decisions, each as if the person had sent it to the run itself. */

import { type ErrorCode, ToolariumError } from "../../errors.ts";
import { toolContent } from "../../offer/tool-message.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import { callIdOf, parseCallId } from "../../runs/record/ids.ts";
import type { Runner } from "../../runs/runner.ts";
import type { HumanDecision } from "../../tools/gate/gate-call.ts";
import { readSuppliedText } from "../../tools/gate/supplied-result.ts";
import { contentText, isFields } from "../../upstream/model.ts";
import type { KeptAnswer, KeptTurn } from "../turns/kept-turn.ts";
import type { ChatRequest } from "../turns/request.ts";
import { readEdits } from "./edits.ts";
import type { ReadReply } from "./read-reply.ts";
import { isSameText, type Reply, readSaid, type Said } from "./reply.ts";

/**
 * @throws `unknown_call` when the reply is not about calls of one turn of this run; `forbidden` when it approves or
 * denies and the caller may not; `decision_conflict` when the client gave another result for a call of its own tool
 * before; `invalid_request` for a decision that is malformed
 */
export function readReplyTo(
  turns: readonly KeptTurn[],
  reply: Reply,
  { mayDecide, keyName }: ChatRequest,
): ReadReply {
  const turn = turns.findLast((each) => reply.ids.some((id) => placeOf(each, id) !== undefined));
  const stranger = reply.ids.find((id) => turn === undefined || placeOf(turn, id) === undefined);
  if (turn === undefined || stranger !== undefined) throw unknownCall(stranger ?? "");
  const said = reply.messages.map((message) => ({ ...message, place: placeOf(turn, message.id) }));
  const own = said.flatMap(({ place, content }) =>
    place?.caller ? [{ id: place.id, ...readContent(content) }] : [],
  );
  for (const { id, content } of own) {
    const before = turn.answers.get(id);
    if (before !== undefined && before.content !== content)
      throw refusal("decision_conflict", "A call of your own tool was answered otherwise before.");
  }
  const decisions = said.flatMap(({ place, ...message }) =>
    place?.caller ? [] : [{ ...message, said: readSaid(message) }],
  );
  if (!mayDecide && decisions.some(({ said: { type } }) => type !== "result"))
    throw new ToolariumError(
      "forbidden",
      `The key ${JSON.stringify(keyName)} has not the right \`decide\`: it may give results of calls, but not approve or deny them. Nothing was decided.`,
    );
  return { turn, own, decisions, calls: reply.calls };
}

/**
 * Resolves when all decisions are durable; the calls then resume by themselves.
 *
 * @throws `decision_conflict`, `invalid_arguments`, `tool_not_allowed` or `unknown_call` for the first decision that
 * cannot be taken; those before it stand
 */
export async function decideAll(
  runner: Pick<Runner, "decide" | "settlement" | "reader" | "catalog">,
  { principal, policy }: ChatRequest,
  run: CallRun,
  { decisions, calls }: ReadReply,
): Promise<void> {
  const viewer = { principal, admin: false };
  const edits = await readEdits(runner, viewer, { calls, decisions });
  if (decisions.length === 0) return;
  const report = await runner.reader.report(run.id, viewer);
  for (const { id, text, said } of decisions) {
    const owner = parseCallId(id)?.runId ?? "";
    const tool = report?.calls.find((call) => call.id === callIdOf(id))?.tool;
    if (tool === undefined) throw unknownCall(id);
    const value = readSuppliedText(runner.catalog().byId(tool), text);
    const decision = toDecision(said, principal, value, edits.get(id));
    try {
      const { layers } = policy;
      if ((await runner.decide({ run: owner, call: id, viewer, decision, layers })) === undefined)
        throw unknownCall(id);
    } catch (error) {
      if (!(error instanceof ToolariumError)) throw error;
      // Keeps its own status, which clients retry: a repeated decision changes nothing.
      if (error.code === "store_unavailable") throw error;
      if (error.code !== "decision_conflict" || said.type !== "result")
        throw refusal(error.code, error.message);
      // A client that approved the call through the execute route got its result, and now passes it on here.
      const settled = await runner.settlement(owner, id);
      if (settled === undefined || !isSameText(toolContent(settled), text))
        throw refusal(error.code, error.message);
    }
  }
}

/** A content that is more than text, such as an image, reaches the model unchanged. */
function readContent(content: unknown): Pick<KeptAnswer, "content" | "parts"> {
  const isText =
    !Array.isArray(content) || content.every((part) => isFields(part) && part["type"] === "text");
  return isText ? { content: contentText(content) } : { content: JSON.stringify(content), parts: true };
}

export function unknownCall(id: string): ToolariumError {
  return refusal(
    "unknown_call",
    `No call with the id ${JSON.stringify(id.slice(0, 80))} waits for you: it is not known here, not yours, or its time is over.`,
  );
}

/** The refusal for an answer whose calls have expired or whose run has ended. */
export function waitedTooLong(): ToolariumError {
  return refusal(
    "unknown_call",
    "The calls of this answer waited too long, or their run was ended meanwhile.",
  );
}

function placeOf(turn: KeptTurn, id: string): KeptTurn["places"][number] | undefined {
  const { runId: run, call } = parseCallId(id) ?? { runId: undefined, call: id };
  return turn.places.find((place) => place.call === call || (place.run !== undefined && place.run === run));
}

function toDecision(said: Said, by: string, value: unknown, edit: string | undefined): HumanDecision {
  switch (said.type) {
    case "approve":
      return { type: "approve", by, ...(edit === undefined ? {} : { args: edit }) };
    case "deny":
      return { type: "deny", by, ...(said.reason === undefined ? {} : { reason: said.reason }) };
    case "result":
      return { type: "result", by, value: JSON.stringify(value) };
  }
}

/** Status 400 for every code: clients would retry some of the native statuses by themselves. */
function refusal(code: ErrorCode, message: string): ToolariumError {
  return new ToolariumError(code, message, { param: "messages", status: 400 });
}
