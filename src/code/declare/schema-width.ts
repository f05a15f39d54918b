/**
 * Counts the alternatives of a schema. TypeScript multiplies out the unions of an intersection: three unions of 45
 * members each, 5 kB of declarations, keep a checker busy for longer than any program is worth.
 */
import { isSchema, list, own, resolveRef, type Schema } from "./schema-refs.ts";

/** Most alternatives of one intersection. Operands beyond are left out, which only widens the type. */
export const MAX_ALTERNATIVES = 256;
const MAX_DEPTH = 8;
/** Caps the product; anything above MAX_ALTERNATIVES is treated alike. */
const MANY = 1_000_000;

/**
 * 1 for a schema without a choice. An object has as many as its property with the most, because properties of one name
 * are intersected, too. Anything deeper than eight levels counts as 1.
 */
export function alternativesOf(schema: unknown, root: unknown, depth = 0): number {
  if (!isSchema(schema) || depth > MAX_DEPTH) return 1;
  const below = (part: unknown): number => alternativesOf(part, root, depth + 1);
  const properties = own(schema, "properties");
  const target = resolveRef(root, own(schema, "$ref"))?.schema;
  const factors = [
    ...list(own(schema, "allOf")).map(below),
    ...["anyOf", "oneOf"].map((keyword) => choices(schema, keyword, below)),
    ...(target === undefined ? [] : [below(target)]),
    isSchema(properties)
      ? Object.values(properties).reduce<number>((most, each) => Math.max(most, below(each)), 1)
      : 1,
  ];
  return factors.reduce((product, factor) => Math.min(MANY, product * factor), 1);
}

/** Alternatives of one list of branches. */
export function choices(schema: Schema, keyword: string, of: (branch: unknown) => number): number {
  const branches = list(own(schema, keyword));
  return Math.max(
    1,
    branches.slice(0, MAX_ALTERNATIVES).reduce<number>((sum, branch) => sum + of(branch), 0),
  );
}
