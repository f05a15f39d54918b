/**
 * The one place through which text of others leaves: errors of providers and tools, reasons, stderr, what a server says
 * of itself. Any of it may repeat a secret that we sent, draw on a terminal, or have no end. So it is redacted, cleaned
 * of what a terminal obeys, and cut, in this order: a secret that is cut in two would not be found any more.
 */

import { isExact } from "./json.ts";

/** Replaces every secret by `[redacted]`. */
export type Redact = (text: string) => string;

export interface RedactOptions {
  /** Shorter secrets are not told apart from ordinary text. Default 12. */
  readonly minChars?: number;
  /** Also what looks like a key or a bearer token: providers show parts of a key that they refuse. Default false. */
  readonly keyLike?: boolean;
}

export function createRedact(
  secrets: readonly string[],
  { minChars = 12, keyLike = false }: RedactOptions = {},
): Redact {
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= minChars)
    .sort((one, other) => other.length - one.length);
  return (text) => {
    const rest = known.reduce((left, secret) => left.replaceAll(secret, REDACTED), text);
    return keyLike ? withoutKeyLike(rest) : rest;
  };
}

const REDACTED = "[redacted]";

/** A word such as sk-learn is none: a key has digits, and a masked one asterisks. */
function withoutKeyLike(text: string): string {
  return text
    .replace(/\b(?:sk|pk|rk|gsk|xai)-[\w*.-]{6,}/g, (word) => (/[\d*]/.test(word) ? REDACTED : word))
    .replace(/\b(Bearer) +([^\s"']+)/gi, (all, scheme: string, token: string) =>
      /[\d.*]/.test(token) || token.length >= 12 ? `${scheme} ${REDACTED}` : all,
    );
}

/** The text as it may leave, of at most this many characters; a longer one ends in `…`. Lines stay lines. */
export function foreignText(text: string, redact: Redact, maxChars: number): string {
  return cut(redact(text).replace(OBEYED, ""), maxChars);
}

/** Controls other than tab and line feed, and what reverses the direction of text. */
const OBEYED = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

function cut(text: string, maxChars: number): string {
  return (text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`).toWellFormed();
}

/**
 * A JSON value as it may leave: every string in it and every name. What is longer than this many characters as text is
 * given as the beginning of that text.
 */
export function foreignJson(value: unknown, redact: Redact, maxChars: number): unknown {
  try {
    const clean = redactDeep(value, redact);
    const text = JSON.stringify(clean) ?? "";
    return text.length <= maxChars ? clean : cut(text, maxChars);
  } catch (error) {
    // Some thousand levels deep.
    if (error instanceof RangeError) return "a value that is nested too deeply to be shown";
    throw error;
  }
}

function redactDeep(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value).replace(OBEYED, "");
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, redact));
  if (typeof value !== "object" || value === null || isExact(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [redact(name).replace(OBEYED, ""), redactDeep(item, redact)]),
  );
}
