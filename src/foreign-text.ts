/**
 * The one exit for foreign texts: errors of providers and tools, reasons, stderr, servers' descriptions. Any of them
 * may repeat one of our secrets, control a terminal, or have no end. So each is redacted, cleaned of control
 * characters, and cut, in this order: a secret cut in two would not be found.
 */

import { isExact } from "./json.ts";

/** Replaces every secret by `[redacted]`. */
export type Redact = (text: string) => string;

export interface RedactOptions {
  /** Shorter secrets cannot be distinguished from ordinary text. Default 12. */
  readonly minChars?: number;
  /**
   * Also redacts texts that look like a key or a bearer token: providers show parts of a key that they refuse. Default
   * false.
   */
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

/** Leaves words such as sk-learn: a key contains digits, and a masked one asterisks. */
function withoutKeyLike(text: string): string {
  return text
    .replace(/\b(?:sk|pk|rk|gsk|xai)-[\w*.-]{6,}/g, (word) => (/[\d*]/.test(word) ? REDACTED : word))
    .replace(/\b(Bearer) +([^\s"']+)/gi, (all, scheme: string, token: string) =>
      /[\d.*]/.test(token) || token.length >= 12 ? `${scheme} ${REDACTED}` : all,
    );
}

/** The safe text, of at most this many characters; a longer one ends in `…`. Line breaks are kept. */
export function foreignText(text: string, redact: Redact, maxChars: number): string {
  return cut(redact(text).replace(OBEYED, ""), maxChars);
}

/** Control characters except tab and line feed, and characters that change the direction of text. */
const OBEYED = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

function cut(text: string, maxChars: number): string {
  return (text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`).toWellFormed();
}

/**
 * A safe JSON value: every string and every name in it is cleaned. A value longer than this many characters as text is
 * replaced by the beginning of that text.
 */
export function foreignJson(value: unknown, redact: Redact, maxChars: number): unknown {
  try {
    const clean = redactDeep(value, redact);
    const text = JSON.stringify(clean) ?? "";
    return text.length <= maxChars ? clean : cut(text, maxChars);
  } catch (error) {
    // The value is some thousand levels deep.
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
