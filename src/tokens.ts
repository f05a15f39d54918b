/**
 * Counts a text's tokens by `o200k_base`, the encoding of current OpenAI models. Other providers' counts differ by a
 * few percent. Its table takes 0.2 s to load and 60 MB of memory, so it is loaded for the first counted text.
 */
import { hash } from "node:crypto";
import { createRequire } from "node:module";

/** Texts up to this many UTF-16 units are counted exactly, in about 10 ms for an unknown one. */
const EXACT_CHARS = 65_536;
/** Longer texts are estimated from this many pieces, `EXACT_CHARS` in all, spread evenly. */
const PIECES = 64;
/**
 * The encoder takes quadratic time for one word. Longer words (a row of 100,000 equal letters takes 6 s) are counted in
 * parts, which may add a token for each.
 */
const MAX_WORD = 256;
const longWord = new RegExp(
  [String.raw`[\p{L}\p{M}]`, String.raw`[^\s\p{L}\p{N}]`, String.raw`\s`]
    .map((unit) => `${unit}{${MAX_WORD}}`)
    .join("|"),
  "gu",
);

/** Most counts that are remembered, by the hashes of their texts. */
const MAX_KNOWN = 20_000;
/** Counting a shorter text costs about as much as hashing it. */
const MIN_KNOWN_CHARS = 128;
const known = new Map<string, number>();

/** Exact up to 65,536 UTF-16 units, except for words of more than 256; beyond that, an estimate from samples. */
export function countTokens(text: string): number {
  if (text.length < MIN_KNOWN_CHARS) return count(text);
  const key = hash("sha1", text, "base64url");
  const tokens = known.get(key) ?? (text.length <= EXACT_CHARS ? count(text) : estimate([text]));
  known.delete(key);
  known.set(key, tokens);
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return tokens;
}

/** The tokens of all these texts as if they were one: exact, or an estimate. */
export function countAllTokens(texts: readonly string[]): number {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return length > EXACT_CHARS
    ? estimate(texts)
    : texts.reduce((tokens, text) => tokens + countTokens(text), 0);
}

function estimate(texts: readonly string[]): number {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const size = EXACT_CHARS / PIECES;
  const step = (length - size) / (PIECES - 1);
  let sampled = 0;
  let tokens = 0;
  let piece = 0;
  let start = 0;
  for (const text of texts) {
    // A piece that would reach past its text ends with it.
    for (; piece < PIECES && piece * step < start + text.length; piece += 1) {
      const from = Math.floor(piece * step) - start;
      const part = text.slice(from, from + size);
      sampled += part.length;
      tokens += count(part);
    }
    start += text.length;
  }
  return sampled === 0 ? 0 : Math.round((tokens * length) / sampled);
}

function count(text: string): number {
  let tokens = 0;
  let start = 0;
  for (const { index, 0: word } of text.matchAll(longWord)) {
    tokens += encode(text.slice(start, index + word.length));
    start = index + word.length;
  }
  return tokens + encode(text.slice(start));
}

/** Texts are never commands to a model: a text that looks like a special token is plain text. */
const PLAIN = { disallowedSpecial: new Set<string>() };
/** Words whose encoding the library remembers. */
const MAX_WORDS = 20_000;

let encoding: typeof import("gpt-tokenizer/encoding/o200k_base") | undefined;

function encode(text: string): number {
  if (encoding === undefined) {
    encoding = createRequire(import.meta.url)("gpt-tokenizer/encoding/o200k_base");
    encoding?.setMergeCacheSize(MAX_WORDS);
  }
  return encoding?.countTokens(text, PLAIN) ?? 0;
}
