/**
 * JSON of a provider as values, within bounds. A parser holds the thread for as long as it works, and what is nested too
 * deeply cannot be written again: both are told from the text before.
 */
import { parseJson } from "../../json.ts";
import { createJsonScan } from "../provider/json-scan.ts";
import { brokenAnswer, type FailingProvider } from "../provider/provider-error.ts";

/** Levels of arrays and objects. Far below what writing it takes. */
const MAX_DEPTH = 512;
/** By `JsonScan.size`: some 20 ms of parsing. */
const MAX_SIZE = 200_000;
/** Beyond it numbers are read as doubles: to keep their digits costs some microseconds for each value. */
const MAX_EXACT_SIZE = 20_000;

/** @throws `upstream_error` when it is no JSON, or too much of it */
export function parsePayload(text: string, provider: FailingProvider): unknown {
  const size = checkSize(text, provider);
  try {
    return size > MAX_EXACT_SIZE ? JSON.parse(text) : parseJson(text);
  } catch {
    // Without the text: it may hold anything.
    throw brokenAnswer(provider, "sent something that is not a JSON object");
  }
}

/** About how many values a text has; 0 for one of no account. @throws `upstream_error` when it is too much to be parsed */
export function checkSize(text: string, provider: FailingProvider): number {
  // A shorter text cannot go as deep.
  if (text.length <= 2 * MAX_DEPTH) return 0;
  const scan = createJsonScan();
  scan.read(text);
  if (scan.depth > MAX_DEPTH)
    throw brokenAnswer(provider, `sent JSON that is nested more than ${MAX_DEPTH} levels deep`);
  if (scan.size > MAX_SIZE)
    throw brokenAnswer(provider, `sent JSON of more than ${MAX_SIZE} values in one piece`);
  return scan.size;
}
