/** Bounds a client's JSON text before it is parsed: many small values take far more memory than their bytes. */
import { ToolariumError } from "../../errors.ts";

/** Most values. A client sends a larger table as one string, which the program parses. */
const MOST_VALUES = 200_000;
/** The deepest nesting that any route accepts. */
const MOST_LEVELS = 1_000;

/** Checks in one pass, without building values. @throws `body_too_large` or `invalid_request` */
export function checkJsonBounds(text: string): void {
  let values = 1;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (inText) {
      if (sign === BACKSLASH) at += 1;
      else if (sign === QUOTE) inText = false;
      continue;
    }
    if (sign === QUOTE) inText = true;
    else if (sign === COMMA) values += 1;
    else if (sign === OPENING_BRACKET || sign === OPENING_BRACE) {
      values += 1;
      depth += 1;
    } else if (sign === CLOSING_BRACKET || sign === CLOSING_BRACE) depth -= 1;
    if (values > MOST_VALUES) throw tooMany();
    if (depth > MOST_LEVELS) throw tooDeep();
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPENING_BRACKET, CLOSING_BRACKET, OPENING_BRACE, CLOSING_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

function tooMany(): ToolariumError {
  const message = `The body holds more than ${MOST_VALUES} JSON values. Send fewer, or large data as one string of JSON.`;
  return new ToolariumError("body_too_large", message);
}

function tooDeep(): ToolariumError {
  const message = `The body is nested more than ${MOST_LEVELS} levels deep. Send it flatter, or deep parts as JSON text.`;
  return new ToolariumError("invalid_request", message, { errors: [{ pointer: "", message }] });
}
