/** Resumes the chat to which a conversation replies, with the decisions and results in that reply. */

import type { CallRun } from "../runs/execution/call-run.ts";
import { parseCallId } from "../runs/record/ids.ts";
import type { Runner } from "../runs/runner.ts";
import type { Answers } from "./answers.ts";
import { findChapter } from "./back/attach.ts";
import { decideAll, readReplyTo, unknownCall, waitedTooLong } from "./back/decisions.ts";
import type { Reply } from "./back/reply.ts";
import type { Followable } from "./live-answer.ts";
import { turnsOf } from "./turns/kept-turns.ts";
import type { ChatRequest } from "./turns/request.ts";

export interface ResumeDeps {
  readonly runner: Pick<Runner, "borrowChat" | "decide" | "settlement" | "reader" | "catalog">;
}

/**
 * Undefined when the reply also has a new message of the user while other calls still wait: its decisions are taken,
 * and the conversation continues without those calls.
 *
 * @throws `unknown_call`, and what `readReplyTo` and `decideAll` throw
 */
export async function resumeChat(
  deps: ResumeDeps,
  answers: Answers,
  request: ChatRequest,
  reply: Reply,
): Promise<Followable | undefined> {
  const { principal, signal } = request;
  const [first = ""] = reply.ids;
  const id = await findChat(deps, request, first);
  using chat = id === undefined ? undefined : await deps.runner.borrowChat(id, principal, signal);
  if (chat === undefined) throw unknownCall(first);
  // Awaited here, because the chat is borrowed until this function returns.
  return await resumeWith(chat.run, deps, answers, request, reply);
}

async function resumeWith(
  run: CallRun,
  { runner }: ResumeDeps,
  answers: Answers,
  request: ChatRequest,
  reply: Reply,
): Promise<Followable | undefined> {
  const repeated = findChapter(run, request);
  if (repeated !== undefined) return answers.again(run, repeated.start, request);
  const { state } = run.journal;
  const read = readReplyTo(turnsOf(state), reply, request);
  if (state.restedBeforeItEnded) throw waitedTooLong();
  const chat = answers.open(run, request);
  await decideAll(runner, request, run, read);
  if (reply.writesOn && (await hasPending(run, request, runner))) {
    for (const { id } of reply.messages) await runner.settlement(parseCallId(id)?.runId ?? "", id);
    return undefined;
  }
  return answers.resume(run, chat, read);
}

async function hasPending(
  { id }: CallRun,
  { principal }: ChatRequest,
  { reader }: Pick<Runner, "reader">,
): Promise<boolean> {
  const report = await reader.report(id, { principal, admin: false });
  return (report?.pending.length ?? 0) > 0;
}

/** The id of the chat that a call belongs to, itself or through its program; undefined when this principal has none. */
async function findChat(
  { runner }: ResumeDeps,
  { principal }: ChatRequest,
  call: string,
): Promise<string | undefined> {
  const id = parseCallId(call)?.runId;
  const run = id === undefined ? undefined : await runner.reader.find(id, { principal, admin: false });
  return (run?.kind === "chat" ? run.id : run?.parent) ?? undefined;
}
