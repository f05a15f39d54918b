/**
 * Ids of runs and calls. A call id holds its run's id, so that the token a client echoes leads back to the run.
 *
 * The first question about a call has the call's id. When the call is in doubt, the person is asked again. That is
 * another question: a repeated answer to the first one must not answer it. So it has an id of its own, of the same
 * form.
 */
import { randomBytes } from "node:crypto";

const RUN_ID = /^run_([A-Za-z0-9_-]{22})$/;
const CALL_ID = /^call_([A-Za-z0-9_-]{22})_([0-9a-z]{1,12})$/;

/** `run_` and 128 random bits in base64url: ids can't be guessed. */
export function createRunId(): string {
  return `run_${randomBytes(16).toString("base64url")}`;
}

/** `call_`, the run's 22 characters, `_` and the call's number in base 36: at most 40 characters. */
export function toCallId(runId: string, n: number): string {
  const token = RUN_ID.exec(runId)?.[1];
  if (token === undefined) throw new Error("not a run id");
  return `call_${token}_${n.toString(36)}`;
}

/** Calls are numbered below 36⁶. Question k about call n has the number n + k·36⁶. */
const QUESTION = 36 ** 6;

/** The id of the question about a call that was in doubt this many times; of the call itself for 0. */
export function toQuestionId(callId: string, doubts: number): string {
  const parsed = parseCallId(callId);
  if (doubts === 0 || parsed === undefined) return callId;
  return toCallId(parsed.runId, parsed.n + doubts * QUESTION);
}

export interface ParsedCallId {
  readonly runId: string;
  /** The call's own id, whichever question about it the id names. */
  readonly call: string;
  /** The call's number in its run. */
  readonly n: number;
  /** How many times the call had been in doubt when this was asked. */
  readonly doubts: number;
}

/** Undefined when the id is not of our form. */
export function parseCallId(id: string): ParsedCallId | undefined {
  const match = CALL_ID.exec(id);
  if (match === null) return undefined;
  const [, token = "", suffix = ""] = match;
  const number = Number.parseInt(suffix, 36);
  const n = number % QUESTION;
  const runId = `run_${token}`;
  return { runId, call: toCallId(runId, n), n, doubts: Math.floor(number / QUESTION) };
}

/** The call that this id is about; an id that is not of our form stands for itself. */
export function callIdOf(id: string): string {
  return parseCallId(id)?.call ?? id;
}
