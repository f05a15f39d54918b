/** The page's side of the gateway's HTTP interface. */

const KEY = "toolarium.key";

/** The gateway wants a key, or another one than it got. */
export class KeyNeeded extends Error {}

/** @param {string} key */
export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

/**
 * Runs a program and gives its report.
 * @param {string} code
 * @param {AbortSignal} signal aborting cancels the run
 */
export async function runProgram(code, signal) {
  const answer = await request("/v1/sandbox/runs", {
    method: "POST",
    body: JSON.stringify({ code }),
    signal,
  });
  return readJson(await answer.text());
}

/**
 * What the checker says of a program; nothing runs.
 * @param {string} code
 * @param {AbortSignal} signal
 * @returns {Promise<any[]>} diagnostics
 */
export async function checkProgram(code, signal) {
  const answer = await request("/v1/sandbox/check", {
    method: "POST",
    body: JSON.stringify({ code }),
    signal,
  });
  return (await answer.json()).diagnostics;
}

/**
 * Decides a call of a run that waits; gives the report once the run has ended or waits again.
 * @param {string} run
 * @param {string} call
 * @param {"approve" | "deny"} decision
 * @param {AbortSignal} signal aborting stops waiting for the report; the decision stands
 */
export async function decideCall(run, call, decision, signal) {
  const answer = await request(`/v1/runs/${run}/calls/${call}`, {
    method: "POST",
    body: JSON.stringify({ decision }),
    signal,
  });
  return readJson(await answer.text());
}

/** Every tool the key may see. */
export async function listTools() {
  const answer = await request("/v1/tools");
  return (await answer.json()).data;
}

/**
 * The TypeScript declarations of one server's tools as models read them, with what was observed of results.
 * @param {string} server
 */
export async function readDeclarations(server) {
  const answer = await request(`/v1/declarations?observed=true&tools=${encodeURIComponent(`${server}/*`)}`);
  return await answer.text();
}

/**
 * A value whose long integers are shown with all their digits: a person decides by them what is sent. Browsers without
 * this part of the language show what a number holds of them.
 * @param {string} text
 */
function readJson(text) {
  const raw = /** @type {{ rawJSON?: (text: string) => unknown }} */ (/** @type {unknown} */ (JSON)).rawJSON;
  const keepDigits = (
    /** @type {string} */ _key,
    /** @type {unknown} */ value,
    /** @type {{ source?: string } | undefined} */ context,
  ) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? (raw?.(context?.source ?? "") ?? value)
      : value;
  return JSON.parse(text, keepDigits);
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function request(path, options = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = {
    ...(options.body === undefined ? {} : { "content-type": "application/json" }),
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
  };
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const message = problem.detail ?? problem.title ?? `The gateway answered ${answer.status}.`;
  throw answer.status === 401 ? new KeyNeeded(message) : new Error(message);
}
