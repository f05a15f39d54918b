/** "Did you mean": names close to one that does not exist. */
import { compareBytes } from "./names.ts";

/** Most pairs of characters compared for one name, about 20 ms. Of thousands of long names the last are skipped. */
const MAX_PAIRS = 1_000_000;

/** Longer names are not compared: the work grows with the square of the length. */
const MAX_CHARS = 200;

/**
 * The names nearest to `wanted`, best first, by edit distance after folding: `listIssues`, `list-issues` and
 * `list_issues` are the same name. A name is near within a third of the length; so is a longer name that begins with
 * `wanted`.
 */
export function nearestNames(wanted: string, names: readonly string[], limit = 3): string[] {
  const folded = fold(wanted);
  if (folded.length > MAX_CHARS) return [];
  const bound = Math.max(1, Math.floor(folded.length / 3));
  const work = { left: MAX_PAIRS };
  return names
    .map((name) => ({ name, distance: distanceOf(folded, fold(name), bound, work) }))
    .filter(({ distance }) => distance <= bound)
    .sort((a, b) => a.distance - b.distance || compareBytes(a.name, b.name))
    .slice(0, limit)
    .map(({ name }) => name);
}

function fold(name: string): string {
  return name.replace(/[_\-.\s]/g, "").toLowerCase();
}

interface Work {
  left: number;
}

function distanceOf(wanted: string, name: string, bound: number, work: Work): number {
  if (wanted.length >= 3 && name.startsWith(wanted)) return name.length === wanted.length ? 0 : 1;
  if (Math.abs(wanted.length - name.length) > bound) return Number.POSITIVE_INFINITY;
  return editDistance(wanted, name, bound, work);
}

/**
 * Counts insertions, deletions, replacements and swaps of neighbours; stops once the distance certainly exceeds
 * `bound`.
 */
function editDistance(a: string, b: string, bound: number, work: Work): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    work.left -= b.length;
    if (work.left < 0) return Number.POSITIVE_INFINITY;
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : replaced;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped));
    }
    if (Math.min(...row) > bound) return Number.POSITIVE_INFINITY;
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
