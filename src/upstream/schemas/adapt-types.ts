/** Types, constants and lists of values in a dialect. */
import type { Fields } from "../model.ts";
import type { Changes } from "./changes.ts";
import type { Dialect } from "./dialects.ts";

const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];
const SCALARS: readonly Fields[] = ["string", "number", "boolean"].map((type) => ({ type }));

/** The schema for any value: where every schema needs a type, a union of all types. */
export function anything({ typed }: Pick<Dialect, "typed">): Fields {
  if (!typed) return {};
  const values = [...SCALARS, { type: "object" }];
  return { nullable: true, anyOf: [...values, { type: "array", items: { nullable: true, anyOf: values } }] };
}

export function adaptTypes(schema: Fields, dialect: Dialect, changes: Changes, path: string): Fields {
  const types = typesOf(schema, changes, path);
  const nullable = schema["nullable"] === true || types.includes("null");
  const { type: _, nullable: __, ...rest } = schema;
  const named = types.filter((type) => type !== "null");
  const values = adaptValues(rest, named, nullable, dialect, changes, path);
  const limited = oldLimits(adaptFormat(values, named, dialect, changes, path));
  return withTypes(limited, named, nullable, dialect, changes, path);
}

function typesOf({ type }: Fields, changes: Changes, path: string): readonly string[] {
  const said = (Array.isArray(type) ? type : [type]).filter((each) => each !== undefined);
  const known = [...new Set(said.map((each) => String(each).toLowerCase()))].filter((each) =>
    TYPES.includes(each),
  );
  if (known.length < new Set(said).size) {
    changes.add(path, `the type ${JSON.stringify(type)} is none: any is allowed`);
    return [];
  }
  return known;
}

function withTypes(
  schema: Fields,
  named: readonly string[],
  nullable: boolean,
  { nullType, unions }: Dialect,
  changes: Changes,
  path: string,
): Fields {
  const [only, ...others] = named;
  if (only === undefined) {
    if (!nullable) return schema;
    if (nullType) return "enum" in schema || "anyOf" in schema ? schema : { type: "null", ...schema };
    return { nullable: true, ...schema };
  }
  if (nullType && unions === "all") {
    const list = nullable ? [...named, "null"] : named;
    return { type: list.length === 1 ? only : list, ...schema };
  }
  if (nullType) return typeAlternatives(schema, nullable ? [...named, "null"] : named, changes, path);
  const mark = nullable ? { nullable: true } : {};
  if (nullable) changes.add(path, "null is a mark beside its type");
  return others.length === 0
    ? { type: only, ...mark, ...schema }
    : { ...typeAlternatives(schema, named, changes, path), ...mark };
}

/** Each keyword goes to the type that it restricts. */
function typeAlternatives(
  { description, anyOf, oneOf, enum: values, ...rest }: Fields,
  types: readonly string[],
  changes: Changes,
  path: string,
): Fields {
  const described = description === undefined ? {} : { description };
  const [only, ...others] = types;
  if (others.length === 0)
    return {
      type: only,
      ...described,
      ...rest,
      ...(values === undefined ? {} : { enum: values }),
      ...(anyOf === undefined ? {} : { anyOf }),
      ...(oneOf === undefined ? {} : { oneOf }),
    };
  changes.add(path, "its types are alternatives");
  const union = anyOf ?? oneOf;
  if (union !== undefined) return { ...described, anyOf: union };
  if (values !== undefined) return { ...described, enum: values };
  return { ...described, anyOf: types.map((type) => ({ type, ...about(type, rest) })) };
}

const ABOUT: { readonly [type: string]: RegExp } = {
  string: /^(pattern|format|.*Length)$/,
  number: /(imum|multipleOf|format)$/i,
  integer: /(imum|multipleOf|format)$/i,
  array: /(items|contains)$/i,
  object: /(properties|required)$/i,
};

function about(type: string, keywords: Fields): Fields {
  const isAbout = ABOUT[type];
  return Object.fromEntries(Object.entries(keywords).filter(([keyword]) => isAbout?.test(keyword)));
}

function adaptValues(
  { enum: listed, const: constant, ...rest }: Fields,
  types: readonly string[],
  nullable: boolean,
  { keywords, nullType }: Dialect,
  changes: Changes,
  path: string,
): Fields {
  const values = Array.isArray(listed) ? distinct(listed) : undefined;
  if (listed !== undefined && (values === undefined || values.length === 0))
    changes.add(path, "a list of no values: any is allowed");
  const isWhole = keywords === "all" || keywords.has("const");
  if (isWhole) {
    const withNull = values !== undefined && nullable && !values.includes(null) ? [...values, null] : values;
    return {
      ...rest,
      ...(withNull === undefined || withNull.length === 0 ? {} : { enum: withNull }),
      ...(constant === undefined ? {} : { const: constant }),
    };
  }
  // This dialect allows enums of strings only.
  const given = constant === undefined ? (values ?? []) : [constant];
  if (given.length === 0) return rest;
  const texts = given.filter((value) => value !== null);
  const isText = (types.length === 0 || types.join() === "string") && texts.every((value) => isWord(value));
  const mayBeNull = texts.length < given.length && !nullType ? { nullable: true } : {};
  if (isText && texts.length > 0) {
    if (constant !== undefined) changes.add(path, "a constant is a list of one value");
    return { ...rest, ...mayBeNull, type: "string", enum: texts };
  }
  return changes.tell(rest, constant === undefined ? { enum: values } : { const: constant }, path);
}

function isWord(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function distinct(values: readonly unknown[]): readonly unknown[] {
  const seen = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...seen.values()];
}

function adaptFormat(
  { format, ...rest }: Fields,
  types: readonly string[],
  { formats }: Dialect,
  changes: Changes,
  path: string,
): Fields {
  if (typeof format !== "string") return rest;
  if (formats === undefined || types.some((type) => formats[type]?.includes(format)))
    return { ...rest, format };
  return changes.tell(rest, { format }, path);
}

/** Draft 4 of JSON Schema marked limits as exclusive by booleans: rewritten with the same meaning. */
function oldLimits(schema: Fields): Fields {
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum, required, ...rest } = schema;
  return {
    ...rest,
    ...limits("minimum", "exclusiveMinimum", minimum, exclusiveMinimum),
    ...limits("maximum", "exclusiveMaximum", maximum, exclusiveMaximum),
    ...(Array.isArray(required) ? { required } : {}),
  };
}

function limits(name: string, exclusiveName: string, limit: unknown, exclusive: unknown): Fields {
  if (exclusive === true && limit !== undefined) return { [exclusiveName]: limit };
  return {
    ...(limit === undefined ? {} : { [name]: limit }),
    ...(exclusive === undefined || typeof exclusive === "boolean" ? {} : { [exclusiveName]: exclusive }),
  };
}
