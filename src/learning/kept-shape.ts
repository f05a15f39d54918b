/**
 * The stored form of a shape: only sure knowledge. A key seen in too few calls is not stored; the next process counts
 * it from zero.
 */
import { z } from "zod";
import { compareBytes } from "../tools/names.ts";
import {
  isSure,
  isTellable,
  type KeyShape,
  MAX_KEYS,
  objectShape,
  type Seen,
  type Shape,
  SURE_AFTER,
} from "./shape.ts";

/** JSON text; equal knowledge gives equal text. Undefined while nothing is sure. */
export function writeShape(shape: Shape): string | undefined {
  return isSure(shape) ? JSON.stringify(toKept(shape)) : undefined;
}

/** Undefined for a text that is not a shape. */
export function readShape(text: string): Shape | undefined {
  try {
    const kept = keptShape.safeParse(JSON.parse(text)).data;
    return kept && toShape(kept);
  } catch {
    return undefined;
  }
}

/** One place. An absent field is zero, false or empty. */
interface Kept {
  /** Kinds. */
  readonly k?: number;
  /** 1: cut. */
  readonly c?: 1;
  readonly o?: {
    /** 1: it is a map. */
    readonly m?: 1;
    /** Its keys with their places; 1 for those that are optional. */
    readonly p?: readonly (readonly [name: string, optional: 0 | 1, place: Kept])[];
    /** The values of all other keys. */
    readonly r?: Kept;
  };
  /** The elements of an array; 0 while they are unknown. */
  readonly a?: Kept | 0;
}

const keptShape: z.ZodType<Kept> = z.lazy(() =>
  z.strictObject({
    k: z.int().min(0).max(15).exactOptional(),
    c: z.literal(1).exactOptional(),
    o: z
      .strictObject({
        m: z.literal(1).exactOptional(),
        p: z
          .array(z.tuple([z.string().refine(isTellable), z.literal([0, 1]), keptShape]))
          .max(MAX_KEYS)
          .exactOptional(),
        r: keptShape.exactOptional(),
      })
      .exactOptional(),
    a: z.union([keptShape, z.literal(0)]).exactOptional(),
  }),
);

function toKept({ kinds, cut, object, array }: Shape): Kept {
  const keys = [...(object?.keys ?? [])]
    .filter(([, { shape }]) => isSure(shape))
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([name, { optional, shape }]) => [name, optional ? 1 : 0, toKept(shape)] as const);
  const rest = sureOnly(object?.rest);
  const items = sureOnly(array?.items);
  return {
    ...(kinds === 0 ? {} : { k: kinds }),
    ...(cut ? { c: 1 } : {}),
    ...(object === null
      ? {}
      : {
          o: {
            ...(object.isMap ? { m: 1 } : {}),
            ...(keys.length === 0 ? {} : { p: keys }),
            ...(rest === undefined ? {} : { r: toKept(rest) }),
          },
        }),
    ...(array === null ? {} : { a: items === undefined ? 0 : toKept(items) }),
  };
}

function sureOnly(shape: Shape | null | undefined): Shape | undefined {
  return shape && isSure(shape) ? shape : undefined;
}

/** Numbers of calls before the first call of any process. */
const BEFORE: Seen = Array.from({ length: SURE_AFTER }, (_, index) => index - SURE_AFTER);

function toShape({ k = 0, c, o, a }: Kept): Shape {
  const keys = new Map<string, KeyShape>();
  for (const [name, optional, place] of o?.p ?? [])
    keys.set(name, { shape: toShape(place), optional: optional === 1 });
  return {
    seen: BEFORE,
    kinds: k,
    object: o === undefined ? null : objectShape({ keys, rest: o.r ? toShape(o.r) : null, isMap: o.m === 1 }),
    array: a === undefined ? null : { items: a === 0 ? null : toShape(a) },
    cut: c === 1,
  };
}
