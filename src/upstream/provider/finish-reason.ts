/** How an answer ended: a provider's word for it as OpenAI's, and whether the answer may be taken for whole. */

/** Words for an answer that the model ended itself, with calls or without. */
const WHOLE: ReadonlySet<string> = new Set([
  ...["stop", "stop_sequence", "eos", "eos_token", "end", "end_turn", "done"],
  ...["complete", "completed", "finish", "finished"],
  ...["tool_calls", "tool_call", "tool_use", "function_call"],
]);

/** What `cut` says of a stream that ended without a word. */
const NO_REASON = "no_finish_reason";

export interface FinishReason {
  /** `stop`, `length`, `tool_calls`, `content_filter`, or a word of the provider's own. */
  readonly reason: string;
  /** Why the answer is not whole: the reason, or `no_finish_reason`. Calls of such an answer must not be made. */
  readonly cut?: string;
}

/** `called`: whether there are calls. An answer without a word is cut only if it has some: a text can be read as it is. */
export function readFinishReason(said: string | undefined, called: boolean): FinishReason {
  if (said === undefined) return called ? { reason: "tool_calls", cut: NO_REASON } : { reason: "stop" };
  const word = oneWord(said.toLowerCase());
  // Of a caller who still says `functions`: the call stands in the message, and is the caller's.
  if (word === "function_call" && !called) return { reason: word };
  if (WHOLE.has(word)) return { reason: called ? "tool_calls" : "stop" };
  const reason = word === "max_tokens" || word === "max_output_tokens" ? "length" : word;
  return { reason, cut: reason };
}

const CUT = ["length", "max_tokens", "max_output_tokens", "content_filter"];
const MAX_WORD_CHARS = 200;
const SEVERAL = new RegExp(`^(?:${[...CUT, ...WHOLE].join("|")}){2,}$`);

/** Some put the words of several chunks together: `stopstop`, `tool_callsstop`. Of those the one that tells most counts. */
function oneWord(said: string): string {
  if (WHOLE.has(said) || said.length > MAX_WORD_CHARS || !SEVERAL.test(said))
    return said.slice(0, MAX_WORD_CHARS);
  return CUT.find((word) => said.includes(word)) ?? "stop";
}
