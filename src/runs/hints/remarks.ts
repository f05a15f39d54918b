/**
 * Remarks on programs that completed and still did something wrong, as their output shows. Written for a model to read.
 */
import type { RunState } from "../record/run-state.ts";

/** `result` is JSON text. */
export function remarksOn(result: string, { logs }: Pick<RunState, "logs">): readonly string[] {
  const shown = [result, ...logs.map(({ text }) => text)];
  return texts.flatMap(([text, remark]) => (shown.some((each) => each.includes(text)) ? [remark] : []));
}

/** What JavaScript makes of values that are joined to a text. */
const texts: readonly (readonly [text: string, remark: string])[] = [
  ["[object Promise]", 'A promise was made into text, "[object Promise]": put await before the call.'],
  [
    "[object Object]",
    'An object was made into text, "[object Object]": give it to console.log by itself, or use JSON.stringify.',
  ],
];
