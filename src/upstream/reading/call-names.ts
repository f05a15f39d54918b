/** Names of called tools, which arrive whole, in pieces, or again with every piece of the arguments. */

export interface CallNames {
  /**
   * The name of a call after another piece; undefined when the piece is the name of another call. `isOver`: the
   * arguments of this call are complete.
   */
  join(name: string, piece: string, isOver: boolean): string | undefined;
  /** Whether the name is complete: it was offered, and no other offered name begins with it. */
  isWhole(name: string): boolean;
  /** The offered name, where it came twice in a row. */
  correct(name: string): string;
}

export function createCallNames(offered: Iterable<string>): CallNames {
  let known: ReadonlySet<string> | undefined;
  let beginnings: ReadonlySet<string> | undefined;
  // Built lazily: only answers with calls need them.
  const names = (): ReadonlySet<string> => (known ??= new Set(offered));
  return {
    join(name, piece, isOver) {
      if (name === "" || piece === name)
        return piece === name && isHalf(name, names()) ? name + piece : piece;
      if (isOver) return undefined;
      if (names().has(name + piece)) return name + piece;
      // Each piece repeats all before it.
      if (piece.startsWith(name)) return piece;
      if (names().has(name) || names().has(piece)) return undefined;
      return name + piece;
    },
    isWhole(name) {
      beginnings ??= beginningsOf(names());
      return names().has(name) && !beginnings.has(name);
    },
    correct(name) {
      const half = name.slice(0, name.length / 2);
      const isTwice = !names().has(name) && half + half === name;
      return isTwice && names().has(half) ? half : name;
    },
  };
}

function isHalf(name: string, names: ReadonlySet<string>): boolean {
  return !names.has(name) && names.has(name + name);
}

/** Names that are the beginning of another name. */
function beginningsOf(names: ReadonlySet<string>): ReadonlySet<string> {
  const sorted = [...names].sort();
  const found = new Set<string>();
  // In sorted order, names with the same beginning follow it directly.
  for (const [at, name] of sorted.entries()) if (sorted[at + 1]?.startsWith(name)) found.add(name);
  return found;
}
