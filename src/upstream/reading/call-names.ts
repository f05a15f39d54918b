/** Names of called tools, which come whole, in pieces, or again with every piece of the arguments. */

export interface CallNames {
  /**
   * The name that a call has after another piece of it; undefined when that is the name of another call. `isOver`: the
   * arguments of this one are whole.
   */
  join(name: string, piece: string, isOver: boolean): string | undefined;
  /** Whether nothing can follow: it is a name that was offered, and the beginning of no other one. */
  isWhole(name: string): boolean;
  /** The name that was offered, where it came twice in one. */
  correct(name: string): string;
}

export function createCallNames(offered: Iterable<string>): CallNames {
  let known: ReadonlySet<string> | undefined;
  let beginnings: ReadonlySet<string> | undefined;
  // Only answers with calls need them.
  const names = (): ReadonlySet<string> => (known ??= new Set(offered));
  return {
    join(name, piece, isOver) {
      if (name === "" || piece === name)
        return piece === name && isHalf(name, names()) ? name + piece : piece;
      if (isOver) return undefined;
      if (names().has(name + piece)) return name + piece;
      // Each piece with all before it.
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

/** The names that other ones begin with. */
function beginningsOf(names: ReadonlySet<string>): ReadonlySet<string> {
  const sorted = [...names].sort();
  const found = new Set<string>();
  // In this order what begins like a name stands right behind it.
  for (const [at, name] of sorted.entries()) if (sorted[at + 1]?.startsWith(name)) found.add(name);
  return found;
}
