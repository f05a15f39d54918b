/**
 * Programs hold an integer beyond a number's precision as a string of its digits. Where a schema wants a number, such a
 * string becomes that number; where it accepts a string, it stays one.
 */
import { type Schema, validate } from "@cfworker/json-schema";
import { exactly } from "../../json/exact-number.ts";
import type { PreparedSchema } from "./prepared-schema.ts";

/** Whether a JSON text may contain such a string. */
export function mayHoldDigits(text: string): boolean {
  return /"-?\d{16,}"/.test(text);
}

/** Replaces the strings in place, through objects and arrays as far as the schema reaches. */
export function numbersFromDigits(value: unknown, prepared: PreparedSchema): void {
  restore(value, [prepared.root], prepared);
}

function restore(holder: unknown, schemas: readonly unknown[], prepared: PreparedSchema): void {
  if (typeof holder !== "object" || holder === null) return;
  const all = schemas.flatMap((schema) => partsOf(schema, prepared, MAX_HOPS));
  for (const [key, item] of Object.entries(holder)) {
    const below = all.flatMap((schema) => schemasOf(key, Array.isArray(holder), schema));
    if (typeof item !== "string") restore(item, below, prepared);
    else if (
      DIGITS.test(item) &&
      isBeyondNumbers(item) &&
      below.some((schema) => wantsNumber(item, schema, prepared))
    )
      Reflect.set(holder, key, exactly(item));
  }
}

const DIGITS = /^-?[1-9]\d{15,}$/;

function isBeyondNumbers(digits: string): boolean {
  const integer = BigInt(digits);
  return integer > LARGEST || integer < -LARGEST;
}

const LARGEST = 2n ** 53n;

/** Asks the validator: an enum of strings, a union or a pattern may accept the text as it is. */
function wantsNumber(digits: string, schema: unknown, { draft, lookup }: PreparedSchema): boolean {
  if (!isSchema(schema)) return false;
  const fits = (value: unknown): boolean => validate(value, schema, draft, lookup).valid;
  return !fits(digits) && fits(Number(digits));
}

/** References and compositions followed from one place; bounds circular chains. */
const MAX_HOPS = 8;

/** A schema together with those that apply to the same value. */
function partsOf(schema: unknown, prepared: PreparedSchema, hops: number): readonly Schema[] {
  if (!isSchema(schema) || hops < 0) return [];
  const target = schema["__absolute_ref__"];
  const parts = ["allOf", "anyOf", "oneOf"].flatMap((keyword) =>
    Array.isArray(schema[keyword]) ? schema[keyword] : [],
  );
  if (typeof target === "string") parts.push(prepared.lookup[target]);
  parts.push(schema["if"], schema["then"], schema["else"]);
  return [schema, ...parts.flatMap((part) => partsOf(part, prepared, hops - 1))];
}

/** The schemas for one part of a value. */
function schemasOf(key: string, isArray: boolean, schema: Schema): readonly unknown[] {
  return isArray ? schemasOfItem(Number(key), schema) : schemasOfProperty(key, schema);
}

function schemasOfItem(index: number, schema: Schema): readonly unknown[] {
  const { items, prefixItems, additionalItems, unevaluatedItems } = schema;
  const places = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : [];
  if (index < places.length) return [places[index]];
  return [Array.isArray(items) ? additionalItems : items, unevaluatedItems];
}

function schemasOfProperty(name: string, schema: Schema): readonly unknown[] {
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = schema;
  const named = isSchema(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
  const matching = isSchema(patternProperties)
    ? Object.entries(patternProperties).flatMap(([pattern, property]) =>
        new RegExp(pattern, "u").test(name) ? [property] : [],
      )
    : [];
  const known = [...named, ...matching];
  return known.length > 0 ? known : [additionalProperties, unevaluatedProperties];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
