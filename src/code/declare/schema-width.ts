/**
 * How many alternatives a schema has. TypeScript multiplies out the unions of an intersection, so that three of 45
 * members each, in 5 kB of declarations, keep a checker busy for longer than any program is worth.
 */
import { isSchema, list, own, resolveRef, type Schema } from "./schema-refs.ts";

/** Alternatives of one intersection: what goes beyond is left out of it, which only widens the type. */
export const MAX_ALTERNATIVES = 256;
const MAX_DEPTH = 8;
/** Enough to be too many. */
const MANY = 1_000_000;

/**
 * 1 for anything that is no choice. An object has as many as the property with the most, because properties of one name
 * are intersected, too. What is deeper than eight levels counts as none.
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

/** Of one list of branches. */
export function choices(schema: Schema, keyword: string, of: (branch: unknown) => number): number {
  const branches = list(own(schema, keyword));
  return Math.max(
    1,
    branches.slice(0, MAX_ALTERNATIVES).reduce<number>((sum, branch) => sum + of(branch), 0),
  );
}
