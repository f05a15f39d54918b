/**
 * The shape of results: which kinds of values stood at which place, in which calls, and never a value. Shapes are a
 * lattice: merging is commutative, associative and idempotent, so what is known does not depend on the order in which
 * results came. The one exception is a shape that outgrows its bound: what is cut off then stays cut off.
 */

/** Calls in which something was seen, as their numbers: the smallest ones, and no more than make it sure. */
export type Seen = readonly number[];

/** Calls in which something must have been seen before it is told or kept. */
export const SURE_AFTER = 3;

/** What stood at one place. */
export interface Shape {
  readonly seen: Seen;
  /** Kinds of values without parts, as a sum of `kinds`. */
  readonly kinds: number;
  readonly object: ObjectShape | null;
  readonly array: ArrayShape | null;
  /** It was too deep, or too much, to be looked at: anything may stand here. */
  readonly cut: boolean;
}

export interface ObjectShape {
  /** At most `MAX_KEYS`, all of them identifiers. Empty in a map. */
  readonly keys: ReadonlyMap<string, KeyShape>;
  /** What stood under keys that are not told apart; null when there was none. */
  readonly rest: Shape | null;
  /** Its keys are data: there were too many of them. */
  readonly isMap: boolean;
}

export interface KeyShape {
  readonly shape: Shape;
  /** Some object at this place did not have it. */
  readonly optional: boolean;
}

export interface ArrayShape {
  /** Null while every array was empty. */
  readonly items: Shape | null;
}

export const kinds = { null: 1, boolean: 2, number: 4, string: 8 } as const;

/** More distinct keys than this at one place are data. */
export const MAX_KEYS = 32;
/** Places in one shape; deeper ones are cut until it holds. A row of the store is some 60 bytes for each. */
const MAX_PLACES = 200;

/**
 * Whether a key may be told apart from others: up to 40 characters of an ASCII identifier, which can neither end a
 * comment nor pretend to be another word. What every object inherits would mean another thing where it is missing, and
 * `then` would make a promise of what holds it.
 */
export function isTellable(key: string): boolean {
  return /^[A-Za-z_$][\w$]{0,39}$/.test(key) && !(key in Object.prototype) && key !== "then";
}

export function isSure({ seen }: { readonly seen: Seen }): boolean {
  return seen.length >= SURE_AFTER;
}

export function merge(a: Shape, b: Shape): Shape {
  return bounded(join(a, b));
}

/** What is known of an object: one with too many keys is a map. */
export function objectShape(parts: ObjectShape): ObjectShape {
  if (!parts.isMap && parts.keys.size <= MAX_KEYS) return parts;
  const values = [...parts.keys.values()].map(({ shape }) => shape);
  return { ...parts, isMap: true, keys: new Map(), rest: values.reduce(joinSome, parts.rest) };
}

/** Cuts the deepest places off until no more are left than a shape may have. */
export function bounded(shape: Shape): Shape {
  let kept = shape;
  for (let depth = depthOf(shape) - 1; countPlaces(kept) > MAX_PLACES; depth -= 1)
    kept = cutBelow(kept, depth);
  return kept;
}

function join(a: Shape, b: Shape): Shape {
  return {
    seen: earliest(a.seen, b.seen),
    kinds: a.kinds | b.kinds,
    object: a.object && b.object ? joinObjects(a.object, b.object) : (a.object ?? b.object),
    array: a.array && b.array ? { items: joinSome(a.array.items, b.array.items) } : (a.array ?? b.array),
    cut: a.cut || b.cut,
  };
}

function joinSome(a: Shape | null, b: Shape | null): Shape | null {
  return a && b ? join(a, b) : (a ?? b);
}

function joinObjects(a: ObjectShape, b: ObjectShape): ObjectShape {
  const keys = new Map<string, KeyShape>();
  for (const name of new Set([...a.keys.keys(), ...b.keys.keys()])) {
    const ofA = a.keys.get(name);
    const ofB = b.keys.get(name);
    const shape = joinSome(ofA?.shape ?? null, ofB?.shape ?? null);
    if (shape !== null)
      keys.set(name, { shape, optional: (ofA?.optional ?? true) || (ofB?.optional ?? true) });
  }
  return objectShape({
    keys,
    rest: joinSome(a.rest, b.rest),
    isMap: a.isMap || b.isMap,
  });
}

function earliest(a: Seen, b: Seen): Seen {
  return [...new Set([...a, ...b])].sort((x, y) => x - y).slice(0, SURE_AFTER);
}

/** The shapes right below this one. */
function partsOf({ object, array }: Shape): readonly Shape[] {
  const ofKeys = object === null ? [] : [...object.keys.values()].map(({ shape }) => shape);
  return [...ofKeys, object?.rest, array?.items].filter((part) => part !== null && part !== undefined);
}

function countPlaces(shape: Shape): number {
  return partsOf(shape).reduce((sum, part) => sum + countPlaces(part), 1);
}

/** 0 for a shape without parts. */
export function depthOf(shape: Shape): number {
  return Math.max(0, ...partsOf(shape).map((part) => 1 + depthOf(part)));
}

/** Leaves nothing known of the places that are so far below, or farther. */
export function cutBelow(shape: Shape, depth: number): Shape {
  const { seen, object, array } = shape;
  if (depth <= 0) return { seen, kinds: 0, object: null, array: null, cut: true };
  const below = (part: Shape): Shape => cutBelow(part, depth - 1);
  return {
    ...shape,
    object: object && {
      ...object,
      keys: new Map([...object.keys].map(([name, key]) => [name, { ...key, shape: below(key.shape) }])),
      rest: object.rest && below(object.rest),
    },
    array: array && { items: array.items && below(array.items) },
  };
}
