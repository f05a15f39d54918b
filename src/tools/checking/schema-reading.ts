/**
 * Reads schemas as they are meant, before a value is checked: `nullable` adds null, and `format` is an annotation.
 * Anything outside JSON Schema (a type named "int", `required: true`) is reported: its author meant something that
 * cannot be known, and a validator would accept every value.
 */

import type { Schema, SchemaDraft } from "@cfworker/json-schema";
import { type Pattern, readPattern } from "./linear-patterns.ts";
import { isSchemaObject } from "./prepared-schema.ts";

export interface ReadSchema {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** The part that is not JSON Schema, with its place: a clause. Undefined when there is none. */
  readonly fault: string | undefined;
  /** Every pattern in it, by its text. */
  readonly patterns: ReadonlyMap<string, Pattern>;
  /** Removed patterns, which no engine runs in linear time: clauses with their places and reasons. */
  readonly unread: readonly string[];
}

interface Reading {
  readonly draft: SchemaDraft;
  readonly patterns: Map<string, Pattern>;
  readonly unread: string[];
}

/** `schema` must be a copy, because it is changed in place. @throws SyntaxError for an invalid pattern */
export function readSchema(schema: unknown): ReadSchema {
  const reading: Reading = { draft: draftOf(schema), patterns: new Map(), unread: [] };
  if (typeof schema === "boolean") return { ...reading, root: schema, fault: undefined };
  if (!isSchemaObject(schema)) return { ...reading, root: true, fault: "it is no schema" };
  return { ...reading, root: schema, fault: visit(schema, "", reading) };
}

/** The dialect of its `$schema`; 2020-12 without one. */
function draftOf(schema: unknown): SchemaDraft {
  const { $schema }: Schema = isSchemaObject(schema) ? schema : {};
  const dialect = typeof $schema === "string" ? $schema : "";
  if (dialect.includes("draft-04")) return "4";
  if (dialect.includes("draft-06") || dialect.includes("draft-07")) return "7";
  return dialect.includes("2019-09") ? "2019-09" : "2020-12";
}

/** The first fault of a schema and those inside it, outermost first. */
function visit(schema: unknown, at: string, reading: Reading): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isSchemaObject(schema)) return `${at || "/"} is no schema`;
  for (const [keyword, value] of Object.entries(schema)) {
    const expected = isFitting(keyword, value, reading.draft);
    if (expected !== undefined) return `${at}/${keyword} must be ${expected}, got ${preview(value)}`;
  }
  const faults = [...partsOf(schema)].map(([part, place]) => visit(part, `${at}/${place}`, reading));
  readPatterns(schema, at, reading);
  delete schema["format"];
  if (schema["nullable"] === true) addNull(schema);
  return faults.find((fault) => fault !== undefined);
}

/** Removes a pattern that cannot run, so that every value it might have allowed passes. */
function readPatterns(schema: Schema, at: string, reading: Reading): void {
  const { pattern, patternProperties } = schema;
  if (typeof pattern === "string" && !isReadable(pattern, `${at}/pattern`, reading)) delete schema["pattern"];
  if (!isSchemaObject(patternProperties)) return;
  const names = Object.keys(patternProperties);
  const readable = names.filter((name) => isReadable(name, `${at}/patternProperties`, reading));
  if (readable.length === names.length) return;
  const kept = readable.map((name) => [name, patternProperties[name]]);
  schema["patternProperties"] = { ...Object.fromEntries(kept), [ANY_NAME]: true };
  isReadable(ANY_NAME, at, reading);
}

const ANY_NAME = "^";

function isReadable(source: string, at: string, { patterns, unread }: Reading): boolean {
  if (patterns.has(source)) return true;
  const read = readPattern(source);
  if (read.ok) patterns.set(source, read.pattern);
  else unread.push(`${at}: ${read.reason}`);
  return read.ok;
}

function* partsOf(schema: Schema): Generator<readonly [part: unknown, place: string]> {
  for (const [keyword, value] of Object.entries(schema)) {
    const kind = Object.hasOwn(kinds, keyword) ? kinds[keyword] : undefined;
    if (kind === "schema" || (kind === "items" && !Array.isArray(value))) yield [value, keyword];
    else if (kind === "schemas" || kind === "items")
      for (const [index, part] of (value as readonly unknown[]).entries())
        yield [part, `${keyword}/${index}`];
    else if (kind === "schema map" || kind === "dependencies")
      for (const [name, part] of Object.entries(value as object))
        if (kind === "schema map" || !Array.isArray(part)) yield [part, `${keyword}/${name}`];
  }
}

type Kind =
  | ("type" | "number" | "bound" | "count" | "boolean" | "text" | "names" | "list" | "name lists")
  | ("schema" | "schemas" | "items" | "schema map" | "dependencies");

/** Keywords that judge values. Any other keyword is an annotation with any value. */
const kinds: { readonly [keyword: string]: Kind } = {
  type: "type",
  enum: "list",
  required: "names",
  dependentRequired: "name lists",
  pattern: "text",
  $ref: "text",
  uniqueItems: "boolean",
  ...kindOf("number", "minimum maximum multipleOf"),
  ...kindOf("bound", "exclusiveMinimum exclusiveMaximum"),
  ...kindOf("count", "minLength maxLength minItems maxItems minProperties maxProperties"),
  ...kindOf("count", "minContains maxContains"),
  items: "items",
  ...kindOf("schemas", "allOf anyOf oneOf prefixItems"),
  ...kindOf("schema map", "properties patternProperties dependentSchemas $defs definitions"),
  dependencies: "dependencies",
  ...kindOf("schema", "not if then else contains propertyNames additionalItems unevaluatedItems"),
  ...kindOf("schema", "additionalProperties unevaluatedProperties"),
};

function kindOf(kind: Kind, keywords: string): { readonly [keyword: string]: Kind } {
  return Object.fromEntries(keywords.split(" ").map((keyword) => [keyword, kind]));
}

/** The required form of the keyword, when it has another one. */
function isFitting(keyword: string, value: unknown, draft: SchemaDraft): string | undefined {
  switch (Object.hasOwn(kinds, keyword) ? kinds[keyword] : undefined) {
    case "type":
      return isType(value) ? undefined : `one of ${[...TYPES].join(", ")}, or a list of them`;
    case "number":
      return typeof value === "number" ? undefined : "a number";
    case "bound":
      if (draft === "4") return typeof value === "boolean" ? undefined : "true or false in draft 4";
      return typeof value === "number" ? undefined : "a number";
    case "count":
      return Number.isInteger(value) && Number(value) >= 0 ? undefined : "a whole number";
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "text":
      return typeof value === "string" ? undefined : "a text";
    case "names":
      return isNames(value) ? undefined : "a list of names";
    case "list":
      return Array.isArray(value) ? undefined : "a list of values";
    case "name lists":
      return isSchemaObject(value) && Object.values(value).every(isNames)
        ? undefined
        : "an object of lists of names";
    case "schema":
      return isSchema(value) ? undefined : "a schema";
    case "schemas":
      return Array.isArray(value) && value.every(isSchema) ? undefined : "a list of schemas";
    case "items":
      if (!Array.isArray(value)) return isSchema(value) ? undefined : "a schema";
      if (draft === "2020-12") return "a schema (a list of them is `prefixItems`)";
      return value.every(isSchema) ? undefined : "a list of schemas";
    case "schema map":
      return isSchemaObject(value) && Object.values(value).every(isSchema)
        ? undefined
        : "an object of schemas";
    case "dependencies":
      return isSchemaObject(value) && Object.values(value).every((each) => isSchema(each) || isNames(each))
        ? undefined
        : "an object of schemas or lists of names";
    case undefined:
      return undefined;
  }
}

const TYPES: ReadonlySet<unknown> = new Set([
  ...["object", "array", "string", "number", "integer", "boolean", "null"],
]);

function isType(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every((each) => TYPES.has(each)) : TYPES.has(value);
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function isSchema(value: unknown): boolean {
  return typeof value === "boolean" || isSchemaObject(value);
}

/** Keywords that may refuse null whatever `type` allows. */
const COMPOSING = [
  ...["$ref", "$dynamicRef", "$recursiveRef", "const"],
  ...["allOf", "anyOf", "oneOf", "not", "if", "then", "else"],
];

/** Adds null as a value. A composition becomes one of two alternatives; everything else keeps its address. */
function addNull(schema: { [keyword: string]: unknown }): void {
  const { type, enum: values } = schema;
  if (type !== undefined) schema["type"] = [...new Set([type, "null"].flat())];
  if (Array.isArray(values)) schema["enum"] = [...values, null];
  const composed = COMPOSING.filter((keyword) => schema[keyword] !== undefined);
  if (composed.length === 0) return;
  const alternative = Object.fromEntries(composed.map((keyword) => [keyword, schema[keyword]]));
  for (const keyword of composed) delete schema[keyword];
  schema["anyOf"] = [alternative, { type: "null" }];
}

function preview(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return isSchemaObject(value) ? "an object" : JSON.stringify(value).slice(0, 40);
}
