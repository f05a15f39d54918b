/** Merges `anyOf`, `oneOf` and `allOf` of objects into one object that accepts whatever one of them accepts. */
import { type Fields, isFields } from "../model.ts";
import type { Changes } from "./changes.ts";

/**
 * Keywords of one object that would be true of the merged one only if every alternative had them; they are left out.
 */
const OF_ONE: ReadonlySet<string> = new Set([
  ...["properties", "required", "additionalProperties", "unevaluatedProperties", "type", "title", "$comment"],
  ...["minProperties", "maxProperties", "description", "anyOf", "oneOf", "allOf"],
]);

/** The schema without unions at its top. The description says which properties belong together. */
export function mergeUnions(schema: Fields, changes: Changes, path: string): Fields {
  const { anyOf, oneOf, allOf, ...base } = schema;
  if (anyOf === undefined && oneOf === undefined && allOf === undefined) return schema;
  const every = listOf(allOf).map((part) => mergeUnions(part, changes, path));
  const unions = [listOf(anyOf), listOf(oneOf)]
    .filter((branches) => branches.length > 0)
    .map((branches) => alternatives(branches.map((branch) => mergeUnions(branch, changes, path))));
  const {
    additionalProperties,
    unevaluatedProperties: _,
    ...open
  } = [base, ...every, ...unions].reduce(both);
  // One alternative may have properties that another does not know.
  const isClosed = unions.length + every.length === 0 && additionalProperties !== undefined;
  const merged = isClosed ? { ...open, additionalProperties } : open;
  changes.add(path, "its alternatives are one object that takes the properties of all of them");
  const told = Object.fromEntries(
    Object.entries({ anyOf, oneOf }).filter(([, branches]) => listOf(branches).length > 0),
  );
  return changes.tell(merged, hintOf(told), path);
}

/** Only the differences between the alternatives: their properties are in the merged object. */
function hintOf(unions: Fields): Fields {
  return Object.fromEntries(
    Object.entries(unions).map(([keyword, branches]) => [
      keyword,
      listOf(branches).map((branch) => ({
        ...(branch["title"] === undefined ? {} : { title: branch["title"] }),
        ...(branch["required"] === undefined ? {} : { required: branch["required"] }),
        ...(isFields(branch["properties"]) ? { properties: Object.keys(branch["properties"]) } : {}),
      })),
    ]),
  );
}

function listOf(branches: unknown): readonly Fields[] {
  return Array.isArray(branches) ? branches.filter(isFields) : [];
}

/** A schema that demands what both demand. */
function both(one: Fields, other: Fields): Fields {
  const required = [...new Set([...namesIn(one), ...namesIn(other)])];
  const properties = { ...propertiesOf(other), ...propertiesOf(one) };
  const rest = Object.fromEntries(Object.entries(other).filter(([keyword]) => !OF_ONE.has(keyword)));
  return {
    ...rest,
    ...one,
    ...(one["description"] === undefined && other["description"] !== undefined
      ? { description: other["description"] }
      : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A schema that accepts whatever one of the branches accepts. */
function alternatives(branches: readonly Fields[]): Fields {
  const [first, ...others] = branches.map(namesIn);
  const required = (first ?? []).filter((name) => others.every((names) => names.includes(name)));
  const schemas = new Map<string, unknown[]>();
  for (const branch of branches)
    for (const [name, schema] of Object.entries(propertiesOf(branch))) {
      const known = schemas.get(name) ?? [];
      const isNew = !known.some((each) => JSON.stringify(each) === JSON.stringify(schema));
      schemas.set(name, isNew ? [...known, schema] : known);
    }
  const properties = Object.fromEntries(
    [...schemas].map(([name, known]) => [name, known.length === 1 ? known[0] : { anyOf: known }]),
  );
  return {
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

function namesIn({ required }: Fields): readonly string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}

function propertiesOf({ properties }: Fields): Fields {
  return isFields(properties) ? properties : {};
}
