/**
 * Runs untrusted regular expressions in linear time of the text. JavaScript's own engine tries all ways in which a
 * pattern may match, and `^(a+)+$` has 2^n of them. It gets only patterns with at most one way.
 */
import { RE2JS } from "re2js";
import { toRe2 } from "./translate-pattern.ts";

export interface Pattern {
  test(text: string): boolean;
}

type ReadPattern =
  | { readonly ok: true; readonly pattern: Pattern }
  /** The pattern is valid, but no engine runs it in linear time. `reason` is a clause about the pattern. */
  | { readonly ok: false; readonly reason: string };

/** @throws SyntaxError for an invalid pattern */
export function readPattern(source: string): ReadPattern {
  if (source.length > MAX_PATTERN_CHARS)
    return { ok: false, reason: `it is longer than ${MAX_PATTERN_CHARS} characters` };
  const native = new RegExp(source, "u");
  if (HAS_ONE_WAY.test(source)) return { ok: true, pattern: native };
  try {
    const linear = RE2JS.compile(toRe2(source));
    return { ok: true, pattern: { test: (text) => linear.test(text) } };
  } catch (error) {
    const reason = error instanceof RangeError ? error.message : "it is more than a linear engine takes";
    return { ok: false, reason };
  }
}

/**
 * The longest patterns of real servers have a few hundred characters. A linear engine copies repeated parts, so length
 * is bounded.
 */
const MAX_PATTERN_CHARS = 4_096;

/** One character, one class or one escape; each can be read in one way only. */
const ATOM = String.raw`(?:[^\\[\](){}|*+?.^$]|\.|\[(?:[^\\\]]|\\.)*\]|\\(?:[pPu]\{[^}]*\}|u[\da-fA-F]{4}|[^1-9kpPu]))`;

/**
 * Anchored at the start, without groups and alternatives: one repetition of open length, with little to try after it.
 */
const HAS_ONE_WAY = new RegExp(
  String.raw`^\^(?:${ATOM}(?:\{\d+\})?){0,64}(?:${ATOM}(?:[*+?]|\{\d+,\d*\}))?${ATOM}{0,8}\$?$`,
);

/**
 * Runs `work` with these patterns in place of `new RegExp(source)`. The validator has no option for another engine, and
 * makes a pattern whenever it needs one. `work` must be synchronous, and must run nothing else.
 */
export function withPatterns<T>(patterns: ReadonlyMap<string, Pattern>, work: () => T): T {
  const native = globalThis.RegExp;
  Reflect.set(
    globalThis,
    "RegExp",
    class implements Pattern {
      readonly #pattern: Pattern;

      constructor(source: string) {
        this.#pattern = patterns.get(source) ?? new native(source, "u");
      }

      test(text: string): boolean {
        return this.#pattern.test(text);
      }
    },
  );
  try {
    return work();
  } finally {
    Reflect.set(globalThis, "RegExp", native);
  }
}
