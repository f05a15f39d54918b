/**
 * Google's models send arguments as values, and its package reads them by `JSON.parse`. An integer that would lose
 * digits there goes into it as a string of them, which the gate sends as the number where a tool wants one.
 */
import { type ExactNumber, mayLoseDigits, parseJson, replaceExact } from "../../json.ts";
import { createJsonScan } from "../provider/json-scan.ts";
import { createLineReader } from "../reading/server-sent-data.ts";

/** The bytes of an event stream; only lines that hold such an integer are changed, and none of more than so many values. */
export async function* withLongIntegersAsText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  const reader = createLineReader();
  for await (const chunk of chunks) {
    let text = "";
    for (const line of reader.read(decoder.decode(chunk, { stream: true }))) text += `${rewrite(line)}\n`;
    if (text !== "") yield Buffer.from(text);
  }
  let rest = "";
  for (const line of reader.read(decoder.decode())) rest += `${rewrite(line)}\n`;
  rest += rewrite(reader.rest());
  if (rest !== "") yield Buffer.from(rest);
}

/** To keep digits costs some microseconds for each value. */
const MAX_SIZE = 20_000;

function isInteger({ rawJSON }: ExactNumber): boolean {
  return /^-?\d+$/.test(rawJSON);
}

function rewrite(line: string): string {
  const payload = /^data: ?(.*)$/s.exec(line)?.[1];
  if (payload === undefined || !mayLoseDigits(payload)) return line;
  const scan = createJsonScan();
  scan.read(payload);
  if (scan.size > MAX_SIZE) return line;
  try {
    return `data: ${JSON.stringify(
      replaceExact(parseJson(payload), (number) => (isInteger(number) ? number.rawJSON : number)),
    )}`;
  } catch {
    // What is no JSON is for the package to say.
    return line;
  }
}
