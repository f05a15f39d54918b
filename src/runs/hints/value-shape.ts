/** Describes a tool's result by its keys alone. It shows no value, however short. */

import { docText, propertyKey } from "../../code/declare/type-text.ts";
import { isRecord } from "../../json.ts";

const MAX_DEPTH = 3;
const MAX_KEYS = 10;
/** Keys of one object that a wrong name is compared with. */
const MAX_COMPARED = 100;
const MAX_KEY_CHARS = 40;
const MAX_CHARS = 300;

/** `{ rows: [{ id, customer: { name } }], total }`; a scalar by its kind: `a string`. At most 300 characters. */
export function shapeOf(value: unknown): string {
  const text = isComposite(value) ? compositeShape(value, MAX_DEPTH) : kindOf(value);
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1).trimEnd()}…` : text;
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Every key of a value, those of an array's first element among them, the outermost first. */
export function keysIn(value: unknown): readonly string[] {
  const keys: string[] = [];
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth += 1) {
    const records = level.map((item) => (Array.isArray(item) ? item[0] : item)).filter(isRecord);
    keys.push(...records.flatMap((record) => Object.keys(record).slice(0, MAX_COMPARED)));
    level = records.flatMap((record) => Object.values(record).slice(0, MAX_KEYS));
  }
  return keys;
}

function compositeShape(value: object, depth: number): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    const [first] = value as readonly unknown[];
    return isComposite(first) && depth > 0 ? `[${compositeShape(first, depth - 1)}]` : "[…]";
  }
  const entries = Object.entries(value);
  const shown = entries.slice(0, MAX_KEYS).map(([key, inner]) => {
    if (!isComposite(inner)) return keyText(key);
    return `${keyText(key)}: ${depth > 0 ? compositeShape(inner, depth - 1) : Array.isArray(inner) ? "[…]" : "{…}"}`;
  });
  if (entries.length > MAX_KEYS) shown.push("…");
  return shown.length === 0 ? "{}" : `{ ${shown.join(", ")} }`;
}

function keyText(key: string): string {
  return propertyKey(docText(key, MAX_KEY_CHARS));
}

function isComposite(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
