/** Outcomes of compiled texts, least recently used out first, bounded by count and by size. */
import { createHash } from "node:crypto";
import type { CompileOutcome, CompileRequest } from "../compile.ts";

export interface OutcomeCache {
  get(key: string): CompileOutcome | undefined;
  /** Keeps outcomes that depend on the text alone, but none of circumstance (a deadline, a crash). */
  set(key: string, outcome: CompileOutcome): void;
}

export function cacheKey({ code, sourceBytes, globals, hidden, check, input }: CompileRequest): string {
  const types = check && [check.mode, check.declarations.hash, check.promised?.hash];
  return createHash("sha256")
    .update(JSON.stringify([sourceBytes, globals, hidden, types, input, code]))
    .digest("base64");
}

const LASTING: ReadonlySet<string> = new Set(["syntax_error", "type_error", "source_too_large"]);

/** `maxChars` bounds emitted text and position maps together. */
export function createOutcomeCache(
  maxEntries: number = 1000,
  maxChars: number = 16 * 1024 * 1024,
): OutcomeCache {
  // A Map iterates in order of insertion: the first key is the one unused for longest.
  const entries = new Map<string, CompileOutcome>();
  let chars = 0;
  const drop = (key: string): void => {
    const outcome = entries.get(key);
    if (outcome === undefined) return;
    entries.delete(key);
    chars -= sizeOf(outcome);
  };
  return {
    get(key) {
      const outcome = entries.get(key);
      if (outcome === undefined) return undefined;
      entries.delete(key);
      entries.set(key, outcome);
      return outcome;
    },
    set(key, outcome) {
      if (!outcome.ok && !LASTING.has(outcome.code)) return;
      drop(key);
      entries.set(key, outcome);
      chars += sizeOf(outcome);
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && chars <= maxChars) break;
        drop(oldest);
      }
    },
  };
}

function sizeOf(outcome: CompileOutcome): number {
  if (!outcome.ok) return 500;
  const { js, positions } = outcome.program;
  return js.length + positions.encoded.length + 500;
}
