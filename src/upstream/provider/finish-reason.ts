/** The end of an answer: a provider's finish reason as OpenAI's, and whether the answer is complete. */

/** Reasons of an answer that the model ended itself, with calls or without. */
const WHOLE: ReadonlySet<string> = new Set([
  ...["stop", "stop_sequence", "eos", "eos_token", "end", "end_turn", "done"],
  ...["complete", "completed", "finish", "finished"],
  ...["tool_calls", "tool_call", "tool_use", "function_call"],
]);

/** The value of `cut` for a stream without a finish reason. */
const NO_REASON = "no_finish_reason";

export interface FinishReason {
  /** `stop`, `length`, `tool_calls`, `content_filter`, or a provider's own word. */
  readonly reason: string;
  /** Why the answer is incomplete: the reason, or `no_finish_reason`. Its calls must not be made. */
  readonly cut?: string;
}

/**
 * `called`: whether there are calls. An answer without a reason is incomplete only if it has calls: a text can be read
 * as it is.
 */
export function readFinishReason(said: string | undefined, called: boolean): FinishReason {
  if (said === undefined) return called ? { reason: "tool_calls", cut: NO_REASON } : { reason: "stop" };
  const word = oneWord(said.toLowerCase());
  // For a caller that still uses `functions`: the call is in the message, and belongs to the caller.
  if (word === "function_call" && !called) return { reason: word };
  if (WHOLE.has(word)) return { reason: called ? "tool_calls" : "stop" };
  const reason = word === "max_tokens" || word === "max_output_tokens" ? "length" : word;
  return { reason, cut: reason };
}

const CUT = ["length", "max_tokens", "max_output_tokens", "content_filter"];
const MAX_WORD_CHARS = 200;
const SEVERAL = new RegExp(`^(?:${[...CUT, ...WHOLE].join("|")}){2,}$`);

/**
 * Some providers join the reasons of several chunks: `stopstop`, `tool_callsstop`. The most informative of them counts.
 */
function oneWord(said: string): string {
  if (WHOLE.has(said) || said.length > MAX_WORD_CHARS || !SEVERAL.test(said))
    return said.slice(0, MAX_WORD_CHARS);
  return CUT.find((word) => said.includes(word)) ?? "stop";
}
