/**
 * Patterns over tool ids: `*`, `server/*`, `server/tool`, `server/read_*`. The id and the pattern are split at their
 * first "/"; `*` stands for any run of characters within its part; everything else is exact and case-sensitive.
 */

/** Whether a tool id matches. */
export type PatternMatcher = (id: string) => boolean;

const compiled = new WeakMap<readonly string[], PatternMatcher>();

/** Compiles a list once per list object: lists must not change after they are made. */
export function patternMatcher(patterns: readonly string[]): PatternMatcher {
  const known = compiled.get(patterns);
  if (known !== undefined) return known;
  const matcher = compile(patterns);
  compiled.set(patterns, matcher);
  return matcher;
}

/** The server of a tool's id; empty for any other text. */
export function serverOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf("/")));
}

function compile(patterns: readonly string[]): PatternMatcher {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const globs = patterns.filter((pattern) => pattern.includes("*")).map(splitId);
  return (id) => {
    if (exact.has(id)) return true;
    const [server, tool] = splitId(id);
    return globs.some((glob) => matchesGlob(glob[0], server) && matchesGlob(glob[1], tool));
  };
}

/** A pattern without "/" has no tool part, and every tool id has one: it matches nothing. */
function splitId(text: string): readonly [server: string, tool: string | undefined] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
}

/**
 * Whether the text matches, with `*` for any run of characters. Undefined never matches.
 *
 * Leftmost search for each literal: linear in practice, and not a regular expression that a pattern could blow up.
 */
export function matchesGlob(glob: string | undefined, text: string | undefined): boolean {
  if (glob === undefined || text === undefined) return false;
  const [head = "", ...rest] = glob.split("*");
  const tail = rest.pop();
  if (tail === undefined) return glob === text;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let from = head.length;
  for (const literal of rest) {
    const found = text.indexOf(literal, from);
    if (found < 0 || found + literal.length > end) return false;
    from = found + literal.length;
  }
  return true;
}
