/** Caches the types of schemas: a schema that occurs again, as the same object or an equal one, is converted once. */
import { hash } from "node:crypto";
import type { JsonSchema } from "../../tools/tool-source.ts";
import { type SchemaSide, type SchemaType, schemaType } from "./json-schema-to-ts.ts";

/** Types kept, the latest ones: about 10 MB for ordinary tools. */
const MAX_KEPT = 20_000;

/** A schema is immutable and outlives catalog versions. A server that lists its tools again sends equal schemas. */
const byObject: { readonly [S in SchemaSide]: WeakMap<object, SchemaType> } = {
  input: new WeakMap(),
  output: new WeakMap(),
};
const byText = new Map<string, SchemaType>();
let written = 0;

export function typeOf(schema: JsonSchema, side: SchemaSide): SchemaType {
  if (typeof schema !== "object" || schema === null) return schemaType(schema, side);
  const type = byObject[side].get(schema) ?? typeOfText(schema, side);
  byObject[side].set(schema, type);
  return type;
}

/** The number of types converted so far, cached ones not counted. */
export function typesWritten(): number {
  return written;
}

function typeOfText(schema: JsonSchema, side: SchemaSide): SchemaType {
  const key = hash("sha256", `${side} ${JSON.stringify(schema)}`, "base64url");
  const known = byText.get(key);
  if (known === undefined) written += 1;
  const type = known ?? schemaType(schema, side);
  byText.delete(key);
  byText.set(key, type);
  const [oldest] = byText.keys();
  if (byText.size > MAX_KEPT && oldest !== undefined) byText.delete(oldest);
  return type;
}
