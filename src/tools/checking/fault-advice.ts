/**
 * Advice how to correct a wrong value, where its kind shows it: text for a number, JSON text for an object, null for a
 * missing value.
 */
import { isExact, isRecord } from "../../json.ts";
import { cut } from "./fault-sketch.ts";
import { isSchemaObject } from "./prepared-schema.ts";

const VALUE_CHARS = 60;

/** A clause to add to the fault, or nothing. `schemas`: the schemas of which the value should fit one. */
export function adviseOn(value: unknown, schemas: readonly unknown[], isOptional: boolean): string {
  if (value === null) return isOptional ? ": leave it out" : "";
  const types = new Set(schemas.flatMap(typesOf));
  const advice = typeof value === "string" ? adviseOnText(value, types) : adviseOnValue(value, types);
  return advice === undefined ? "" : `: ${advice}`;
}

function adviseOnText(text: string, types: ReadonlySet<string>): string | undefined {
  if (types.has("string")) return undefined;
  const read = readJson(text);
  if ((types.has("number") || types.has("integer")) && typeof read === "number")
    return `pass the number ${show(read)}`;
  if (types.has("boolean") && typeof read === "boolean") return `pass ${read} without quotes`;
  if (types.has("object") && isRecord(read)) return "pass the object itself, not JSON text";
  if (types.has("array") && Array.isArray(read)) return "pass the array itself, not JSON text";
  return isOnly("array", types) ? `pass an array, [${show(text)}]` : undefined;
}

function adviseOnValue(value: unknown, types: ReadonlySet<string>): string | undefined {
  const isPlain = typeof value === "number" || typeof value === "boolean" || isExact(value);
  if (types.has("string") && isPlain)
    return `pass it as text, ${show(isExact(value) ? value.rawJSON : String(value))}`;
  if (Array.isArray(value) || !isOnly("array", types)) return undefined;
  return isPlain ? `pass an array, [${show(value)}]` : "pass an array of them";
}

/** Whether it is the only type besides null. */
function isOnly(type: string, types: ReadonlySet<string>): boolean {
  return types.has(type) && types.size === (types.has("null") ? 2 : 1);
}

function typesOf(schema: unknown): readonly string[] {
  if (!isSchemaObject(schema)) return [];
  const { type, properties, items } = schema;
  if (schema.enum !== undefined || schema.const !== undefined) return [];
  const named = [type ?? []].flat().map(String);
  if (named.length > 0) return named;
  if (properties !== undefined) return ["object"];
  return items === undefined ? [] : ["array"];
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  return cut(JSON.stringify(value), VALUE_CHARS);
}
