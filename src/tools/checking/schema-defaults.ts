/**
 * Fills in defaults of required properties, because declarations show such a property as optional. Defaults of optional
 * properties are left to the server: applying them may differ from sending them.
 */
import { type Schema, validate } from "@cfworker/json-schema";
import { isExact, parseJson, toDoubles } from "../../json.ts";
import { isSchemaObject, type PreparedSchema } from "./prepared-schema.ts";

/** References and compositions followed from one place; bounds circular chains. */
const MAX_HOPS = 8;

/**
 * Adds missing properties that have a default, in place, through all objects and arrays of the value. A default that
 * does not fit its own schema is left out, so that the fault remains a missing property.
 */
export function fillDefaults(value: unknown, prepared: PreparedSchema): void {
  fill(value, prepared.root, prepared, MAX_HOPS);
}

function fill(value: unknown, schema: unknown, prepared: PreparedSchema, hops: number): void {
  if (!isSchemaObject(schema) || typeof value !== "object" || value === null || hops < 0) return;
  if (isExact(value)) return;
  if (Array.isArray(value)) for (const item of value) fill(item, schema["items"], prepared, MAX_HOPS);
  else fillProperties(value, schema, prepared);

  const target = schema["__absolute_ref__"];
  if (typeof target === "string") fill(value, prepared.lookup[target], prepared, hops - 1);
  const { allOf } = schema;
  const parts = [
    ...(Array.isArray(allOf) ? allOf : []),
    onlyChoice(schema["anyOf"]),
    onlyChoice(schema["oneOf"]),
  ];
  for (const part of parts) fill(value, part, prepared, hops - 1);
}

/** The only alternative besides null, which an object cannot be. */
function onlyChoice(alternatives: unknown): unknown {
  if (!Array.isArray(alternatives)) return undefined;
  const others = alternatives.filter((each) => !(isSchemaObject(each) && each["type"] === "null"));
  return others.length === 1 ? others[0] : undefined;
}

function fillProperties(value: object, schema: Schema, prepared: PreparedSchema): void {
  const { properties, required } = schema;
  if (!isSchemaObject(properties)) return;
  const isFilled = (name: string) =>
    prepared.filled === "all" || (Array.isArray(required) && required.includes(name));
  for (const [name, property] of Object.entries(properties)) {
    if (!Object.hasOwn(value, name) && isFilled(name)) addDefault(value, name, property, prepared);
    if (Object.hasOwn(value, name)) fill(Reflect.get(value, name), property, prepared, MAX_HOPS);
  }
}

function addDefault(value: object, name: string, property: unknown, prepared: PreparedSchema): void {
  if (!isSchemaObject(property) || !Object.hasOwn(property, "default") || name === "__proto__") return;
  const candidate = parseJson(JSON.stringify(property["default"]));
  if (validate(toDoubles(candidate), property, prepared.draft, prepared.lookup).valid)
    Object.assign(value, { [name]: candidate });
}
