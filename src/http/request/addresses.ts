/**
 * Addresses as clients write them. A base URL without `/v1`, with a doubled slash or with one at its end is what most
 * first requests to a gateway fail on; each of these has one meaning, so it is served as that.
 */

/** What OpenAI's clients append to a base URL: ours alone where the path begins with it. */
const OPENAI_PATH =
  /^(?:\/v1)?(\/(?:chat\/completions|completions|models|embeddings|responses|moderations)(?:\/.*)?)$/;

/** Names of tools and models stand in these as they are, whatever they end in. */
const NAMES_FOLLOW = /^\/v1\/(?:tools|models)\/./;

/** The address that is served for this one; the query stays as it is. */
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
