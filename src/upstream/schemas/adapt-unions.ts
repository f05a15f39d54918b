/** Alternatives in a dialect. */
import { type Fields, isFields } from "../model.ts";
import type { AdaptNode } from "./changes.ts";
import { below, type Changes } from "./changes.ts";
import type { Dialect } from "./dialects.ts";
import { mergeUnions } from "./merge-unions.ts";

const UNIONS = ["anyOf", "oneOf", "allOf"] as const;

export function adaptUnions(
  schema: Fields,
  dialect: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  return dialect.unions === "all"
    ? everyUnion(schema, changes, path, inner)
    : onlyAnyOf(schema, dialect, changes, path, inner);
}

function everyUnion(schema: Fields, changes: Changes, path: string, inner: AdaptNode): Fields {
  const adapted = UNIONS.flatMap((keyword) => {
    const branches = schema[keyword];
    if (branches === undefined) return [];
    if (Array.isArray(branches) && branches.length > 0)
      return [
        [keyword, branches.map((branch, index) => inner(branch, below(path, keyword, index)))] as const,
      ];
    changes.add(path, `${keyword} of nothing: anything is allowed`);
    return [];
  });
  return { ...without(schema, UNIONS), ...Object.fromEntries(adapted) };
}

function onlyAnyOf(
  schema: Fields,
  dialect: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  const { anyOf, oneOf, allOf, ...base } = schema;
  const branches = listOf(anyOf) ?? listOf(oneOf);
  if (branches === undefined && listOf(allOf) === undefined) return without(schema, UNIONS);
  const isObject = base["type"] === "object" || "properties" in base;
  const isOfObjects = (branches ?? []).every((branch) => isFields(branch) && isObjectLike(branch));
  if (branches === undefined || (isObject && isOfObjects) || listOf(allOf) !== undefined) {
    const merged = mergeUnions(schema, changes, path);
    const { type, ...rest } = merged;
    const named = type ?? ("properties" in rest ? "object" : typeIn(listOf(allOf) ?? []));
    return named === undefined ? rest : { type: named, ...rest };
  }
  if (oneOf !== undefined) changes.add(path, "oneOf is anyOf");
  return asAlternatives(base, branches, dialect, changes, path, inner);
}

/** Keywords beside the alternatives apply to each of them. */
function asAlternatives(
  { nullable, type, ...others }: Fields,
  branches: readonly unknown[],
  { nullType }: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  const named = nullType
    ? branches
    : branches.filter((branch) => !isFields(branch) || branch["type"] !== "null");
  const isMarked = named.length < branches.length;
  if (isMarked) changes.add(path, "null is a mark beside its type");
  const mark = nullable === true || isMarked ? { nullable: true } : {};
  const [said, beside] = split(others, SAID);
  const each = named.map((branch, index) => {
    const own = isFields(branch) ? branch : {};
    const typed = type === undefined || "type" in own || "anyOf" in own ? {} : { type };
    if ("type" in typed) changes.add(path, "its type is that of each alternative");
    return inner({ ...beside, ...typed, ...own }, below(path, "anyOf", index));
  });
  const [only, ...more] = each;
  if (only !== undefined && more.length === 0) return { ...only, ...said, ...mark };
  return { ...said, ...mark, anyOf: each };
}

/** Keywords that describe the whole without a restriction. */
const SAID = ["description", "title", "default", "examples"];

function split(schema: Fields, keywords: readonly string[]): readonly [Fields, Fields] {
  const entries = Object.entries(schema);
  return [
    Object.fromEntries(entries.filter(([keyword]) => keywords.includes(keyword))),
    Object.fromEntries(entries.filter(([keyword]) => !keywords.includes(keyword))),
  ];
}

function isObjectLike(branch: Fields): boolean {
  return (
    branch["type"] === "object" || "properties" in branch || ("required" in branch && !("type" in branch))
  );
}

function typeIn(parts: readonly unknown[]): unknown {
  return parts
    .map((part) => (isFields(part) ? part["type"] : undefined))
    .find((type) => typeof type === "string");
}

function listOf(branches: unknown): readonly unknown[] | undefined {
  return Array.isArray(branches) && branches.length > 0 ? branches : undefined;
}

function without(schema: Fields, keywords: readonly string[]): Fields {
  return split(schema, keywords)[1];
}
