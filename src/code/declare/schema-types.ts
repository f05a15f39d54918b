/** The types of schemas, written once: a schema that comes again, in an object of its own or another, has its type. */
import { hash } from "node:crypto";
import type { JsonSchema } from "../../tools/tool-source.ts";
import { type SchemaSide, type SchemaType, schemaType } from "./json-schema-to-ts.ts";

/** Types that are remembered, the latest ones: some 10 MB of ordinary tools. */
const MAX_KEPT = 20_000;

/** A schema is immutable and outlives catalog versions; a server that lists its tools again sends equal ones. */
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

/** How many types were written so far, and not remembered. */
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
