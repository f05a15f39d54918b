/**
 * A provider's JSON as values, within bounds. Parsing blocks the thread, and deeply nested values cannot be written
 * again: both are determined from the text before.
 */
import { parseJson } from "../../json.ts";
import { createJsonScan } from "../provider/json-scan.ts";
import { brokenAnswer, type FailingProvider } from "../provider/provider-error.ts";

/** Deepest nesting of arrays and objects; writing them would survive far more. */
const MAX_DEPTH = 512;
/** By `JsonScan.size`: about 20 ms of parsing. */
const MAX_SIZE = 200_000;
/** Above it numbers are read as doubles: keeping their digits costs some microseconds per value. */
const MAX_EXACT_SIZE = 20_000;

/** @throws `upstream_error` when the text is not JSON, or too large to be parsed */
export function parsePayload(text: string, provider: FailingProvider): unknown {
  const size = checkSize(text, provider);
  try {
    return size > MAX_EXACT_SIZE ? JSON.parse(text) : parseJson(text);
  } catch {
    // Without the text, which may hold anything.
    throw brokenAnswer(provider, "sent something that is not a JSON object");
  }
}

/**
 * The approximate number of values in a text; 0 for a short one. @throws `upstream_error` when it is too large to be
 * parsed
 */
export function checkSize(text: string, provider: FailingProvider): number {
  // A shorter text cannot be nested deeper.
  if (text.length <= 2 * MAX_DEPTH) return 0;
  const scan = createJsonScan();
  scan.read(text);
  if (scan.depth > MAX_DEPTH)
    throw brokenAnswer(provider, `sent JSON that is nested more than ${MAX_DEPTH} levels deep`);
  if (scan.size > MAX_SIZE)
    throw brokenAnswer(provider, `sent JSON of more than ${MAX_SIZE} values in one piece`);
  return scan.size;
}
