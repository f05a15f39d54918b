/**
 * Google's models send arguments as values, and its package reads them by `JSON.parse`. An integer that would lose
 * digits there goes into it as a string of them, which the gate sends as the number where a tool wants one.
 */
import { type ExactNumber, mayLoseDigits, parseJson, replaceExact } from "../json.ts";

/** The bytes of an event stream; only lines that hold such an integer are changed. */
export async function* withLongIntegersAsText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  let line = "";
  for await (const chunk of chunks) {
    const lines = (line + decoder.decode(chunk, { stream: true })).split("\n");
    line = lines.pop() ?? "";
    if (lines.length > 0) yield Buffer.from(`${lines.map(rewrite).join("\n")}\n`);
  }
  line += decoder.decode();
  if (line !== "") yield Buffer.from(rewrite(line));
}

function isInteger({ rawJSON }: ExactNumber): boolean {
  return /^-?\d+$/.test(rawJSON);
}

function rewrite(line: string): string {
  const payload = /^data: ?(.*)$/s.exec(line)?.[1];
  if (payload === undefined || !mayLoseDigits(payload)) return line;
  try {
    return `data: ${JSON.stringify(
      replaceExact(parseJson(payload), (number) => (isInteger(number) ? number.rawJSON : number)),
    )}`;
  } catch {
    // What is no JSON is for the package to say.
    return line;
  }
}
