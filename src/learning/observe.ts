/**
 * Observes one result's shape. The work is bounded for any result: level by level, so that the deepest parts are left
 * out. Only the keys of a large object are all listed, which costs half of parsing them.
 */
import { isExact } from "../json.ts";
import {
  bounded,
  isTellable,
  type KeyShape,
  kinds,
  MAX_KEYS,
  type ObjectShape,
  objectShape,
  type Seen,
  type Shape,
} from "./shape.ts";

/** Deepest level that is described; the result itself is 0. */
const MAX_DEPTH = 6;
/** Most values observed in one result: under a millisecond. */
const MAX_VALUES = 2_000;
/** Most elements of one array, and values of one map, that are observed, spread evenly over it. */
const MAX_PARTS = 100;

/** `value` is plain JSON; `call` is the number of the call that returned it. */
export function observe(value: unknown, call: number): Shape {
  const root = new Sketch();
  let level: readonly Visit[] = [{ value, place: root }];
  let left = MAX_VALUES;
  for (let depth = 0; depth <= MAX_DEPTH; depth += 1) {
    const below: Visit[] = [];
    for (const visit of level) left -= visit.place.take(visit.value, below, left);
    level = below;
  }
  for (const { place } of level) place.leaveOut();
  return bounded(root.toShape([call]));
}

interface Visit {
  readonly value: unknown;
  readonly place: Sketch;
}

/** One place of a result, which several values can share, as the elements of an array do. */
class Sketch {
  #kinds = 0;
  #objects: ObjectsSketch | undefined;
  #isArray = false;
  #items: Sketch | undefined;
  #cut = false;

  /** Defers the value's parts to `below`. Returns their number, at most `left`. */
  take(value: unknown, below: Visit[], left: number): number {
    if (Array.isArray(value)) return this.#takeItems(sample(value, Math.min(MAX_PARTS, left)), below);
    if (typeof value === "object" && value !== null && !isExact(value))
      return this.#takeObject(value, below, left);
    this.#kinds |= kindOf(value);
    return 0;
  }

  /** Any value may be at this place. */
  leaveOut(): void {
    this.#cut = true;
  }

  toShape(seen: Seen): Shape {
    return {
      seen,
      kinds: this.#kinds,
      object: this.#objects?.toShape(seen) ?? null,
      array: this.#isArray ? { items: this.#items?.toShape(seen) ?? null } : null,
      cut: this.#cut,
    };
  }

  #takeItems(items: readonly unknown[], below: Visit[]): number {
    this.#isArray = true;
    for (const value of items) {
      this.#items ??= new Sketch();
      below.push({ value, place: this.#items });
    }
    return items.length;
  }

  /** An array is described by some of its elements, an object only by all of its keys, or as one of many like it. */
  #takeObject(value: object, below: Visit[], left: number): number {
    const keys = Object.keys(value);
    const looked = sample(keys, MAX_PARTS);
    if (looked.length > left) {
      if (this.#objects === undefined) this.leaveOut();
      return 0;
    }
    this.#objects ??= new ObjectsSketch();
    this.#objects.begin(keys.length > MAX_KEYS);
    for (const key of looked)
      below.push({ value: Reflect.get(value, key), place: this.#objects.placeOf(key) });
    return looked.length;
  }
}

/** The objects at one place. */
class ObjectsSketch {
  readonly #keys = new Map<string, { readonly place: Sketch; count: number }>();
  #rest: Sketch | undefined;
  #count = 0;
  #isMap = false;

  /** Begins one more object; its keys follow. */
  begin(isMap: boolean): void {
    this.#count += 1;
    this.#isMap ||= isMap;
  }

  placeOf(key: string): Sketch {
    const known = this.#keys.get(key);
    if (known !== undefined) {
      known.count += 1;
      return known.place;
    }
    // One key too many makes it a map, and a map's keys do not matter.
    if (this.#isMap || !isTellable(key) || this.#keys.size > MAX_KEYS) {
      this.#rest ??= new Sketch();
      return this.#rest;
    }
    const place = new Sketch();
    this.#keys.set(key, { place, count: 1 });
    return place;
  }

  toShape(seen: Seen): ObjectShape {
    const keys = new Map<string, KeyShape>();
    for (const [name, { place, count }] of this.#keys)
      keys.set(name, { shape: place.toShape(seen), optional: count < this.#count });
    return objectShape({ keys, rest: this.#rest?.toShape(seen) ?? null, isMap: this.#isMap });
  }
}

function sample<T>(parts: readonly T[], count: number): readonly T[] {
  if (parts.length <= count) return parts;
  return Array.from({ length: count }, (_, at) => parts[Math.floor((at * parts.length) / count)] as T);
}

function kindOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return kinds.string;
    case "number":
      return kinds.number;
    case "boolean":
      return kinds.boolean;
    case "object":
      // A program gets it as a string of digits.
      return isExact(value) ? kinds.string : kinds.null;
    default:
      return kinds.null;
  }
}
