/** What a program that completed did wrong all the same, as far as what it showed tells. Written for a model to read. */
import type { RunState } from "../record/run-state.ts";

/** `result` is JSON text. */
export function remarksOn(result: string, { logs }: Pick<RunState, "logs">): readonly string[] {
  const shown = [result, ...logs.map(({ text }) => text)];
  return texts.flatMap(([text, remark]) => (shown.some((each) => each.includes(text)) ? [remark] : []));
}

/** What becomes of values that are put into a text. */
const texts: readonly (readonly [text: string, remark: string])[] = [
  ["[object Promise]", 'A promise was made into text, "[object Promise]": put await before the call.'],
  [
    "[object Object]",
    'An object was made into text, "[object Object]": give it to console.log by itself, or use JSON.stringify.',
  ],
];
