/**
 * The shape of results: the kinds of values at each place, and the calls in which they occurred; never a value. Shapes
 * are a lattice: merging is commutative, associative and idempotent, so knowledge does not depend on the order of
 * results. The one exception is a shape that exceeds its bound: a place that was cut off stays cut off.
 */

/** Numbers of the calls in which something was seen: the smallest ones, and no more than make it sure. */
export type Seen = readonly number[];

/** Calls in which something must be seen before it is published or stored. */
export const SURE_AFTER = 3;

/** The values at one place. */
export interface Shape {
  readonly seen: Seen;
  /** Kinds of values without parts, as a sum of `kinds`. */
  readonly kinds: number;
  readonly object: ObjectShape | null;
  readonly array: ArrayShape | null;
  /** Too deep, or too large, to be observed: any value may be here. */
  readonly cut: boolean;
}

export interface ObjectShape {
  /** At most `MAX_KEYS`, all of them identifiers. Empty in a map. */
  readonly keys: ReadonlyMap<string, KeyShape>;
  /** The values under keys that are not listed; null when there were none. */
  readonly rest: Shape | null;
  /** Its keys are data, because there were too many of them. */
  readonly isMap: boolean;
}

export interface KeyShape {
  readonly shape: Shape;
  /** Some object at this place lacked it. */
  readonly optional: boolean;
}

export interface ArrayShape {
  /** Null while every array was empty. */
  readonly items: Shape | null;
}

export const kinds = { null: 1, boolean: 2, number: 4, string: 8 } as const;

/** An object with more distinct keys at one place is a map: its keys are data. */
export const MAX_KEYS = 32;
/**
 * Most places in one shape; the deepest are cut off until it fits. A row of the store takes about 60 bytes for each.
 */
const MAX_PLACES = 200;

/**
 * Whether a key may be listed by name: up to 40 characters of an ASCII identifier, which can neither end a comment nor
 * imitate another word. Names that every object inherits are excluded, because a missing one would have another
 * meaning; `then` is excluded, because an object with it would be taken for a promise.
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

/** The shape of an object; one with too many keys becomes a map. */
export function objectShape(parts: ObjectShape): ObjectShape {
  if (!parts.isMap && parts.keys.size <= MAX_KEYS) return parts;
  const values = [...parts.keys.values()].map(({ shape }) => shape);
  return { ...parts, isMap: true, keys: new Map(), rest: values.reduce(joinSome, parts.rest) };
}

/** Cuts off the deepest places until no more are left than a shape may have. */
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

/** The shapes directly below this one. */
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

/** Makes all places at this depth below it, or deeper, unknown. */
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
