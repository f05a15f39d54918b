/** A schema's demand in a few words that fit a sentence: `"open" or "closed"`, `{ kind: "circle", r: number }`. */

import type { Schema } from "@cfworker/json-schema";
import { isExact } from "../../json.ts";
import { isSchemaObject } from "./prepared-schema.ts";

/** Subschemas by the validator's absolute addresses. */
export type SchemaLookup = Readonly<Record<string, Schema | boolean>>;

/** Most values, names and branches listed; and deepest nesting of objects and lists shown. */
const LISTED = 12;
const MEMBERS = 8;
const MAX_DEPTH = 3;
const VALUE_CHARS = 40;
const SKETCH_CHARS = 160;

export function sketchSchema(schema: unknown, lookup: SchemaLookup): string {
  return cut(sketch(schema, lookup, 0), SKETCH_CHARS);
}

/** The schema itself, or the one that it refers to. */
export function resolveSchema(schema: unknown, lookup: SchemaLookup): unknown {
  let at = schema;
  for (let left = 8; left > 0 && isSchemaObject(at) && at["$ref"] !== undefined; left -= 1) {
    const target = at["__absolute_ref__"];
    at = typeof target === "string" ? lookup[target] : undefined;
  }
  return at;
}

export function listValues(values: readonly unknown[]): string {
  const shown = values.slice(0, LISTED).map(preview).join(" or ");
  return values.length > LISTED ? `${shown} or ${values.length - LISTED} others` : shown;
}

export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  return names.slice(0, LISTED).join(", ") + (names.length > LISTED ? ", …" : "");
}

/** A value for a sentence: small ones as they are. */
export function preview(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null && !isExact(value)) return "an object";
  return cut(JSON.stringify(value) ?? "nothing", VALUE_CHARS);
}

export function quote(name: string): string {
  return cut(JSON.stringify(name), VALUE_CHARS * 2);
}

export function cut(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}…` : text;
}

function sketch(source: unknown, lookup: SchemaLookup, depth: number): string {
  const schema = resolveSchema(source, lookup);
  if (schema === false) return "nothing";
  if (!isSchemaObject(schema)) return "any value";
  if (schema.const !== undefined) return preview(schema.const);
  if (Array.isArray(schema.enum)) return listValues(schema.enum);
  const branches: unknown = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches) && branches.length > 0) return sketchUnion(branches, lookup, depth);
  const types: readonly unknown[] = [schema.type ?? impliedType(schema)].flat();
  return [...new Set(types.map((type) => sketchType(String(type), schema, lookup, depth)))].join(" or ");
}

function sketchUnion(branches: readonly unknown[], lookup: SchemaLookup, depth: number): string {
  if (depth >= MAX_DEPTH) return "one of several";
  return [...new Set(branches.slice(0, MEMBERS).map((branch) => sketch(branch, lookup, depth + 1)))].join(
    " or ",
  );
}

function impliedType({ properties, items }: Schema): string {
  if (properties !== undefined) return "object";
  return items === undefined ? "any value" : "array";
}

function sketchType(type: string, schema: Schema, lookup: SchemaLookup, depth: number): string {
  if (type === "object") return sketchObject(schema, lookup, depth);
  if (type === "array") return sketchArray(schema, lookup, depth);
  if (type === "string" && typeof schema.pattern === "string")
    return `string that matches /${schema.pattern}/`;
  return type;
}

function sketchObject({ properties, required }: Schema, lookup: SchemaLookup, depth: number): string {
  const entries = Object.entries(isSchemaObject(properties) ? properties : {});
  if (entries.length === 0 || depth >= MAX_DEPTH - 1) return "object";
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const ordered = entries.toSorted(([a], [b]) => Number(needed.includes(b)) - Number(needed.includes(a)));
  const shown = ordered
    .slice(0, MEMBERS)
    .map(([name, each]) => `${name}${needed.includes(name) ? "" : "?"}: ${sketch(each, lookup, depth + 1)}`);
  return `{ ${shown.join(", ")}${ordered.length > MEMBERS ? ", …" : ""} }`;
}

function sketchArray({ items }: Schema, lookup: SchemaLookup, depth: number): string {
  if (!isSchemaObject(items) || depth >= MAX_DEPTH) return "array";
  const element = sketch(items, lookup, depth + 1);
  return /^\w+$/.test(element) ? `${element}[]` : `array of ${element}`;
}
