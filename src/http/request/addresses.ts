/**
 * Corrects addresses. Most first requests to a gateway fail because the base URL lacks `/v1`, doubles a slash or ends
 * in one. Each of these addresses has only one possible meaning, so it is served.
 */

/** The paths that OpenAI's clients append to a base URL, with or without `/v1`. Another prefix is not corrected. */
const OPENAI_PATH =
  /^(?:\/v1)?(\/(?:chat\/completions|completions|models|embeddings|responses|moderations)(?:\/.*)?)$/;

/** These paths end in the name of a tool or a model, which is never corrected. */
const NAMES_FOLLOW = /^\/v1\/(?:tools|models)\/./;

/** The corrected address. The query stays unchanged. */
export function servedAddress(url: string): string {
  const mark = url.search(/[?#]/);
  const path = mark < 0 ? url : url.slice(0, mark);
  return servedPath(path) + (mark < 0 ? "" : url.slice(mark));
}

function servedPath(written: string): string {
  const known = OPENAI_PATH.exec(
    written.replace(/^\/+(v1\/+)?/, (_, version) => (version ? "/v1/" : "/")),
  )?.[1];
  const whole = known === undefined ? written : `/v1${known}`;
  return NAMES_FOLLOW.test(whole) ? whole : whole.replace(/(?<=.)\/+$/, "");
}
