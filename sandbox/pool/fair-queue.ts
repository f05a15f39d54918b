/**
 * Bounded queue that serves its owners in turn: an owner of a thousand items delays only their own. It does not refuse
 * by itself: ask `full` before `push`. Never throws.
 *
 * @example
 * import { FairQueue } from "toolarium/sandbox";
 *
 * const queue = new FairQueue<string>(8);
 * queue.push("ann", "a1");
 * queue.push("ann", "a2");
 * queue.push("ben", "b1");
 * const next = () => queue.takeFirst((item) => item)?.place;
 * console.log(next(), next(), next()); // a1 b1 a2
 */
export class FairQueue<T> {
  readonly limit: number;
  #size = 0;
  /** Insertion order is the order of service: an owner that was served goes to the end. */
  readonly #lines = new Map<string, T[]>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.limit;
  }

  /** The number of this owner's items. */
  sizeOf(owner: string): number {
    return this.#lines.get(owner)?.length ?? 0;
  }

  push(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.push(item);
    this.#size += 1;
  }

  /** Puts an item in front of its owner's others, even past the limit: it was admitted before. */
  pushFront(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.unshift(item);
    this.#size += 1;
  }

  /** The first item, in turn, that has a place; undefined when no owner's first item has one. */
  takeFirst<P>(placeFor: (item: T) => P | undefined): { readonly item: T; readonly place: P } | undefined {
    for (const [owner, line] of this.#lines) {
      const item = line[0];
      if (item === undefined) continue;
      const place = placeFor(item);
      if (place === undefined) continue;
      line.shift();
      this.#size -= 1;
      this.#lines.delete(owner);
      if (line.length > 0) this.#lines.set(owner, line);
      return { item, place };
    }
    return undefined;
  }

  remove(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    const at = line?.indexOf(item) ?? -1;
    if (line === undefined || at < 0) return;
    line.splice(at, 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(owner);
  }

  /** Empties the queue. */
  drain(): T[] {
    const items = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#size = 0;
    return items;
  }
}
