/** Places in values and in schemas, from the validator's addresses. */
import type { Schema } from "@cfworker/json-schema";
import { isSchemaObject, type PreparedSchema } from "./prepared-schema.ts";

/** `#/a/b%20c` → `a`, `b c`. */
export function stepsOf(location: string): readonly string[] {
  return location.split("/").slice(1).map(readStep);
}

function readStep(step: string): string {
  return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The schema with the keyword, along the validator's path: through references too. */
export function schemaAt(
  keywordLocation: string,
  { root, lookup }: Pick<PreparedSchema, "root" | "lookup">,
): Schema | undefined {
  let place: unknown = root;
  for (const step of stepsOf(keywordLocation).slice(0, -1)) {
    const target = step === "$ref" && isSchemaObject(place) ? place["__absolute_ref__"] : undefined;
    place = typeof target === "string" ? lookup[target] : walk(place, [step]);
  }
  return isSchemaObject(place) ? place : undefined;
}

/**
 * Whether the value at this keyword is required in its object. It is, unless `properties` names it and `required` does
 * not.
 */
export function isRequired(
  keywordLocation: string,
  name: string | undefined,
  prepared: Pick<PreparedSchema, "root" | "lookup">,
): boolean {
  const steps = keywordLocation.split("/");
  const at = steps.findLastIndex(
    (step, index) => step === "properties" && readStep(steps[index + 1] ?? "") === name,
  );
  if (name === undefined || at < 0) return true;
  const required: unknown = schemaAt(steps.slice(0, at + 1).join("/"), prepared)?.required;
  return Array.isArray(required) && required.includes(name);
}

export function walk(value: unknown, path: readonly string[]): unknown {
  let place = value;
  for (const step of path)
    place =
      typeof place === "object" && place !== null && Object.hasOwn(place, step)
        ? Reflect.get(place, step)
        : undefined;
  return place;
}

/** `items[2].sku`, in a program's notation. */
export function writePath(path: readonly string[], root: unknown): string {
  let text = "";
  let place = root;
  for (const step of path) {
    text = Array.isArray(place) ? `${text}[${step}]` : writeStep(text, step);
    place = walk(place, [step]);
  }
  return text;
}

export function writeStep(holder: string, name: string): string {
  const isPlain = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name);
  if (holder === "") return isPlain || name === "" ? name : `[${JSON.stringify(name)}]`;
  return isPlain ? `${holder}.${name}` : `${holder}[${JSON.stringify(name)}]`;
}
