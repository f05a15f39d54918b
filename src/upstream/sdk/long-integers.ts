/**
 * Google's models send arguments as values, and its package reads them by `JSON.parse`. An integer that would lose
 * digits there is passed on as a string. The gate sends that as the number where a tool wants one.
 */
import type { ExactNumber } from "../../json/exact-number.ts";
import { mayLoseDigits, parseJson, replaceExact } from "../../json.ts";
import { createJsonScan } from "../provider/json-scan.ts";
import { createLineReader } from "../reading/server-sent-data.ts";

/**
 * The bytes of an event stream. Only lines with such an integer are changed, and only those up to a number of values.
 */
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

/** Most values of a changed line: keeping digits costs some microseconds per value. */
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
    // Invalid JSON is left to the package.
    return line;
  }
}
