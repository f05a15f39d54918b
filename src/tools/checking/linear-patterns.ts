/**
 * Regular expressions of strangers, run in time that grows with the text alone. JavaScript's own engine tries all ways
 * in which a pattern may match, and `^(a+)+$` has 2^n of them: it gets only patterns that have one way at most.
 */
import { RE2JS } from "re2js";
import { toRe2 } from "./translate-pattern.ts";

export interface Pattern {
  test(text: string): boolean;
}

type ReadPattern =
  | { readonly ok: true; readonly pattern: Pattern }
  /** It is one, and no engine runs it in linear time. A clause about the pattern. */
  | { readonly ok: false; readonly reason: string };

/** @throws SyntaxError for what is no pattern */
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

/** The longest of real servers has some hundred; a linear engine copies what is repeated. */
const MAX_PATTERN_CHARS = 4_096;

/** One character, one class or one escape; there is one way to read each. */
const ATOM = String.raw`(?:[^\\[\](){}|*+?.^$]|\.|\[(?:[^\\\]]|\\.)*\]|\\(?:[pPu]\{[^}]*\}|u[\da-fA-F]{4}|[^1-9kpPu]))`;

/** From the start on, without groups and alternatives: one repetition of open length, and little to try after it. */
const HAS_ONE_WAY = new RegExp(
  String.raw`^\^(?:${ATOM}(?:\{\d+\})?){0,64}(?:${ATOM}(?:[*+?]|\{\d+,\d*\}))?${ATOM}{0,8}\$?$`,
);

/**
 * Runs `work` with these patterns in the place of what `new RegExp(source)` makes. The validator has no door for another
 * engine, and makes a pattern where it needs one. `work` must be synchronous, and run nothing else.
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
