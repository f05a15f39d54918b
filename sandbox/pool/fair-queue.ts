/** Bounded queue that serves its owners in turn: one who queues a thousand waits behind himself only. */
export class FairQueue<T> {
  readonly limit: number;
  #size = 0;
  /** Insertion order is the turn: an owner that was served goes to the end. */
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

  /** How much of it is this owner's. */
  sizeOf(owner: string): number {
    return this.#lines.get(owner)?.length ?? 0;
  }

  push(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.push(item);
    this.#size += 1;
  }

  /** Goes in front of everything its owner has queued, and past the limit: it was admitted before. */
  pushFront(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.unshift(item);
    this.#size += 1;
  }

  /** The first item, in turn, for which there is a place; undefined when nobody's first item has one. */
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
