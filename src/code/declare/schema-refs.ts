/**
 * Reads a schema that may be any JSON: its own keywords, and `$ref` inside the one document. Nothing is ever fetched: a
 * reference out of the document has no target.
 */

export type Schema = { readonly [keyword: string]: unknown };

export function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own keywords only: a schema may have a property named `constructor`. */
export function own(schema: Schema, keyword: string): unknown {
  return Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
}

/** An array as it is; anything else as an empty list. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export interface RefTarget {
  /** Equal for references to the same place. */
  readonly key: string;
  /** A word for its name, not yet an identifier. */
  readonly name: string;
  readonly schema: unknown;
}

const MAX_REF_LENGTH = 500;
/** Places of the document searched for an anchor or an id. */
const MAX_SEARCHED = 5000;
/** Parts of a pointer that do not describe its target. */
const STRUCTURAL: ReadonlySet<string> = new Set([
  "properties",
  "$defs",
  "definitions",
  "items",
  "prefixItems",
  "additionalProperties",
  "anyOf",
  "oneOf",
  "allOf",
]);

/** The target of `ref` within `root`: by a JSON pointer, an anchor, or the `$id` of the document or a part of it. */
export function resolveRef(root: unknown, ref: unknown): RefTarget | undefined {
  if (typeof ref !== "string" || ref.length > MAX_REF_LENGTH) return undefined;
  const hash = ref.indexOf("#");
  const base = hash < 0 ? ref : ref.slice(0, hash);
  const fragment = decodeFragment(hash < 0 ? "" : ref.slice(hash + 1));
  const document = base === "" ? root : findBy(root, "$id", base);
  if (document === undefined) return undefined;
  if (fragment === "") return { key: `${base}#`, name: base === "" ? "Root" : base, schema: document };
  if (fragment.startsWith("/")) return followPointer(document, base, fragment);
  const schema = findBy(document, "$anchor", fragment);
  return schema === undefined ? undefined : { key: `${base}#${fragment}`, name: fragment, schema };
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function followPointer(document: unknown, base: string, pointer: string): RefTarget | undefined {
  const segments = pointer
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
  let schema = document;
  for (const segment of segments) {
    if (typeof schema !== "object" || schema === null || !Object.hasOwn(schema, segment)) return undefined;
    schema = Reflect.get(schema, segment);
  }
  const name = segments.findLast((segment) => !STRUCTURAL.has(segment) && !/^\d+$/.test(segment));
  return { key: `${base}#${pointer}`, name: name ?? "Part", schema };
}

function findBy(root: unknown, keyword: "$id" | "$anchor", wanted: string): unknown {
  const queue = [root];
  for (let index = 0; index < queue.length && index < MAX_SEARCHED; index += 1) {
    const node = queue[index];
    if (typeof node !== "object" || node === null) continue;
    if (Object.hasOwn(node, keyword) && Reflect.get(node, keyword) === wanted) return node;
    queue.push(...Object.values(node).slice(0, MAX_SEARCHED));
  }
  return undefined;
}
