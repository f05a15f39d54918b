/**
 * The named types of one schema, in the order in which references reach them, and the record which is made of which.
 */
import type { RefTarget } from "./schema-refs.ts";

export interface Definition {
  /** A word for its name, not yet an identifier. */
  readonly name: string;
  readonly schema: unknown;
}

/** Most named types kept; further references are cut. */
const MAX_NAMED = 200;

export class Definitions {
  readonly #definitions: Definition[] = [];
  readonly #indexByKey = new Map<string, number>();
  readonly #madeOf = new Map<number, Set<number>>();

  /** In order. Grows during iteration, when writing one definition reaches another. */
  get all(): readonly Definition[] {
    return this.#definitions;
  }

  /** The index of the whole schema, if a reference leads to it. */
  get root(): number | undefined {
    return this.#indexByKey.get("#");
  }

  /** The index of a reference's target, new if necessary; undefined when there are too many. */
  indexOf({ key, name, schema }: RefTarget): number | undefined {
    const known = this.#indexByKey.get(key);
    if (known !== undefined || this.#definitions.length >= MAX_NAMED) return known;
    const index = this.#definitions.push({ name, schema }) - 1;
    this.#indexByKey.set(key, index);
    return index;
  }

  /**
   * Records that `whole` is `part`, or is composed from it. Returns false when that would close a circle: TypeScript
   * refuses `type A = B` with `type B = A`, directly or through others.
   */
  join(whole: number, part: number): boolean {
    if (this.#isMadeOf(part, whole)) return false;
    const parts = this.#madeOf.get(whole);
    if (parts === undefined) this.#madeOf.set(whole, new Set([part]));
    else parts.add(part);
    return true;
  }

  #isMadeOf(index: number, wanted: number): boolean {
    // A set yields members that are added during its iteration.
    const reached = new Set([index]);
    for (const at of reached) {
      if (at === wanted) return true;
      for (const next of this.#madeOf.get(at) ?? []) reached.add(next);
    }
    return false;
  }
}
