/** Arrays and objects in a dialect. */
import { type Fields, isFields } from "../model.ts";
import { anything } from "./adapt-types.ts";
import type { AdaptNode } from "./changes.ts";
import { below, type Changes } from "./changes.ts";
import type { Dialect } from "./dialects.ts";

/** An array must declare its items. */
export function adaptArray(
  schema: Fields,
  dialect: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  const { items, prefixItems, additionalItems, ...rest } = schema;
  const tuple = Array.isArray(items) ? items : Array.isArray(prefixItems) ? prefixItems : undefined;
  const others = Array.isArray(items) ? additionalItems : items;
  if (tuple === undefined) {
    if (items !== undefined) return { ...rest, items: inner(items, below(path, "items")) };
    if (!mentions(schema["type"], "array")) return rest;
    changes.add(path, "an array without items: they may be anything");
    return { ...rest, items: anything(dialect) };
  }
  const first = tuple.map((each, index) => inner(each, below(path, "prefixItems", index)));
  const after =
    others === undefined || typeof others === "boolean"
      ? anything(dialect)
      : inner(others, below(path, "items"));
  if (dialect.keywords === "all") {
    changes.add(path, "its first items are prefixItems, the others items");
    return { ...rest, prefixItems: first, items: after };
  }
  changes.add(path, "its items may be anything that one of them may be");
  const isClosed = others === false || Number(schema["maxItems"]) <= first.length;
  const [only, ...more] = first;
  if (!isClosed || only === undefined) return { ...rest, items: anything(dialect) };
  return { ...rest, items: more.length === 0 ? only : { anyOf: first } };
}

/** Properties whose names are refused are described in words. */
export function adaptObject(
  schema: Fields,
  { keys, keywords, typed }: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  const { properties, required, ...rest } = schema;
  if (properties === undefined && required === undefined)
    return typed && rest["type"] === undefined && !("anyOf" in rest)
      ? { ...rest, ...anything({ typed }) }
      : rest;
  const known = Object.entries(isFields(properties) ? properties : {});
  const named = known.filter(([name]) => keys.test(name));
  const unnamed = Object.fromEntries(known.filter(([name]) => !keys.test(name)));
  const names = [
    ...new Set(Array.isArray(required) ? required.filter((name) => typeof name === "string") : []),
  ];
  // Some providers refuse a required property that they do not know.
  const demanded = names.filter((name) =>
    keywords === "all" ? !Object.hasOwn(unnamed, name) : named.some(([known]) => known === name),
  );
  const declared = Object.fromEntries(
    named.map(([name, each]) => [name, inner(each, below(path, "properties", name))]),
  );
  const { additionalProperties: closed, ...open } = rest;
  const isOpened = Object.keys(unnamed).length > 0 && closed === false;
  const adapted = {
    ...(isOpened ? open : rest),
    ...(typed && rest["type"] === undefined ? { type: "object" } : {}),
    ...(properties === undefined ? {} : { properties: declared }),
    ...(demanded.length === 0 ? {} : { required: demanded }),
  };
  return changes.tell(adapted, Object.keys(unnamed).length === 0 ? {} : { properties: unnamed }, path);
}

function mentions(types: unknown, type: string): boolean {
  return Array.isArray(types) ? types.includes(type) : types === type;
}
