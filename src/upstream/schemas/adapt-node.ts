/** One schema of a document, and those below it, in a dialect. */

import { type Fields, isFields } from "../model.ts";
import { adaptArray, adaptObject } from "./adapt-containers.ts";
import { adaptTypes, anything } from "./adapt-types.ts";
import { adaptUnions } from "./adapt-unions.ts";
import type { AdaptNode } from "./changes.ts";
import { below, type Changes } from "./changes.ts";
import type { Dialect } from "./dialects.ts";

/** Deeper schemas allow any value. */
const MAX_DEPTH = 40;

export function adaptNode(schema: unknown, dialect: Dialect, changes: Changes, path: string): Fields {
  if (path.split("/").length > 2 * MAX_DEPTH) return anything(dialect);
  if (schema === true) return anything(dialect);
  if (!isFields(schema)) {
    changes.add(path, schema === false ? "forbidden: anything is allowed" : "no schema: anything is allowed");
    return anything(dialect);
  }
  const inner: AdaptNode = (each, steps) => adaptNode(each, dialect, changes, steps);
  const well = wellFormed(schema, dialect, changes, path, inner);
  const typed = adaptTypes(well, dialect, changes, path);
  const united = adaptUnions(typed, dialect, changes, path, inner);
  const held = adaptObject(adaptArray(united, dialect, changes, path, inner), dialect, changes, path, inner);
  return inKeywords(held, dialect, changes, path);
}

/** Keywords that relate values to each other; most providers do not know them. */
const CONDITIONS = [
  "not",
  "if",
  "then",
  "else",
  "dependentSchemas",
  "dependencies",
  "contains",
  "propertyNames",
];
/** Schemas that contain schemas, besides those handled in files of their own. */
const HOLDERS = ["additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems"];
const MAPS = ["patternProperties", "$defs", "definitions"];

function wellFormed(
  schema: Fields,
  dialect: Dialect,
  changes: Changes,
  path: string,
  inner: AdaptNode,
): Fields {
  const told: { [keyword: string]: unknown } = {};
  const kept: { [keyword: string]: unknown } = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === "$schema" || keyword === "$id" || keyword === "$anchor" || keyword === "id") continue;
    if (keyword === "description" || keyword === "title" || keyword === "$ref") {
      if (typeof value === "string") kept[keyword] = value;
    } else if (CONDITIONS.includes(keyword)) told[keyword] = value;
    else if (keyword === "pattern" && !isTakenPattern(value, dialect)) told[keyword] = value;
    else if (HOLDERS.includes(keyword) && isFields(value)) kept[keyword] = inner(value, below(path, keyword));
    else if (MAPS.includes(keyword))
      kept[keyword] = Object.fromEntries(
        Object.entries(isFields(value) ? value : {}).map(([key, each]) => [
          key,
          inner(each, below(path, keyword, key)),
        ]),
      );
    else kept[keyword] = value;
  }
  return changes.tell(kept, told, path);
}

function isTakenPattern(pattern: unknown, { patterns }: Dialect): boolean {
  if (typeof pattern !== "string") return false;
  if (patterns !== undefined) return patterns.test(pattern);
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

/** Keywords that a model does not need. */
const SILENT: ReadonlySet<string> = new Set([
  ...[
    "title",
    "$comment",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "additionalProperties",
  ],
  ...["unevaluatedProperties", "additionalItems", "unevaluatedItems", "$defs", "definitions", "strict"],
]);

function inKeywords(schema: Fields, { keywords }: Dialect, changes: Changes, path: string): Fields {
  if (keywords === "all") return schema;
  const entries = Object.entries(schema);
  const kept = entries.filter(([keyword]) => keywords.has(keyword));
  const told = entries.filter(
    ([keyword, value]) =>
      !keywords.has(keyword) && value !== null && (!SILENT.has(keyword) || isRestriction(keyword, value)),
  );
  return changes.tell(Object.fromEntries(kept), Object.fromEntries(told), path);
}

/** Schemas of undeclared properties, as maps have them. */
function isRestriction(keyword: string, value: unknown): boolean {
  return keyword === "additionalProperties" && isFields(value);
}
