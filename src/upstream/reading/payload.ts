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

/** @throws `upstream_error` when the text is not JSON, or too large to be parsed */
export function parsePayload(text: string, provider: FailingProvider): unknown {
  checkSize(text, provider);
  try {
    return parseJson(text);
  } catch {
    // Without the text, which may hold anything.
    throw brokenAnswer(provider, "sent something that is not a JSON object");
  }
}

/** @throws `upstream_error` when a text is too large to be parsed */
export function checkSize(text: string, provider: FailingProvider): void {
  // A shorter text cannot be nested deeper.
  if (text.length <= 2 * MAX_DEPTH) return;
  const scan = createJsonScan();
  scan.read(text);
  if (scan.depth > MAX_DEPTH)
    throw brokenAnswer(provider, `sent JSON that is nested more than ${MAX_DEPTH} levels deep`);
  if (scan.size > MAX_SIZE)
    throw brokenAnswer(provider, `sent JSON of more than ${MAX_SIZE} values in one piece`);
}
