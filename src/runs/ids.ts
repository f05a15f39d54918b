/** Ids of runs and calls. A call id holds its run's id, so that the token a client echoes leads back to the run. */
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

/** The run a call id belongs to; undefined when the id is not of our form. */
export function parseCallId(callId: string): { readonly runId: string; readonly n: number } | undefined {
  const match = CALL_ID.exec(callId);
  if (match === null) return undefined;
  const [, token = "", number = ""] = match;
  return { runId: `run_${token}`, n: Number.parseInt(number, 36) };
}
