/**
 * Validation errors as messages that a model can act on: the place, the expected and the actual value, and the remedy.
 */
import type { OutputUnit, Schema } from "@cfworker/json-schema";
import { nearestNames } from "../nearest.ts";
import { adviseOn } from "./fault-advice.ts";
import { type Branch, findLeaves, type Leaf } from "./fault-leaves.ts";
import { isRequired, schemaAt, stepsOf, walk, writePath, writeStep } from "./fault-place.ts";
import { cut, listNames, listValues, preview, quote, resolveSchema, sketchSchema } from "./fault-sketch.ts";
import type { PreparedSchema } from "./prepared-schema.ts";

/** Most faults reported, also of one alternative; and most errors examined to find them. */
const SHOWN = 5;
const SHOWN_OF_BRANCH = 2;
const MAX_ERRORS = 200;
/** Most characters of one fault. */
const FAULT_CHARS = 500;
const MAX_BRANCHES = 5;

/** A schema, and whether the reader of the faults made the value and can correct it. */
export interface Telling extends PreparedSchema {
  readonly advise: boolean;
}

/**
 * The first faults, as clauses without a full stop. `errors` in the validator's order: each one before those below it.
 */
export function describeErrors(errors: readonly OutputUnit[], value: unknown, prepared: Telling): string {
  const leaves = findLeaves(errors.slice(0, MAX_ERRORS));
  const faults = describeAll(leaves, value, prepared);
  const more = faults.length > SHOWN ? ` (and ${faults.length - SHOWN} more)` : "";
  return faults.slice(0, SHOWN).join("; ") + more;
}

/** One fault per place: further faults of a value with the wrong type would only repeat it. */
function describeAll(leaves: readonly Leaf[], value: unknown, prepared: Telling): readonly string[] {
  const telling = leaves.filter(
    (leaf) => leaf.keyword !== "type" || !leaves.some((each) => saysMore(each, leaf)),
  );
  const missing = Map.groupBy(
    telling.filter(({ keyword }) => keyword === "required"),
    ({ instanceLocation }) => instanceLocation,
  );
  const faults = telling.flatMap((leaf): readonly string[] => {
    const together = leaf.keyword === "required" ? missing.get(leaf.instanceLocation) : undefined;
    if (together !== undefined && together[0] !== leaf) return [];
    return [describe(leaf, together ?? [leaf], value, prepared)];
  });
  return [...new Set(faults.map((fault) => cut(fault.replace(/\.$/, ""), FAULT_CHARS)))];
}

function saysMore(each: Leaf, { instanceLocation, keywordLocation }: Leaf): boolean {
  const holder = keywordLocation.replace(/type$/, "");
  return (
    each.instanceLocation === instanceLocation &&
    ["enum", "const"].includes(each.keyword) &&
    each.keywordLocation.startsWith(holder)
  );
}

function describe(leaf: Leaf, together: readonly Leaf[], root: unknown, prepared: Telling): string {
  const path = stepsOf(leaf.instanceLocation);
  const value = isNameFault(leaf) ? path.at(-1) : walk(root, path);
  const schema = schemaAt(leaf.keywordLocation, prepared);
  const at = placeOf(leaf, path, root);
  switch (leaf.keyword) {
    case "required":
      return describeMissing(together, value, schema, writePath(path, root), prepared);
    case "unknown":
      return describeUnknown(path, root, schema);
    case "false":
      return `${at}nothing is allowed here`;
    default:
      return at + describeValue(leaf, value, schema, root, prepared);
  }
}

function describeValue(
  leaf: Leaf,
  value: unknown,
  schema: Schema | undefined,
  root: unknown,
  prepared: Telling,
): string {
  const { branches } = leaf;
  const wanted =
    branches === undefined ? expectation(leaf, schema, prepared) : expectBranches(branches, root, prepared);
  if (wanted === undefined) return sayPlainly(leaf.error);
  if (branches?.[0]?.isNear) return `expected ${wanted}`;
  const schemas = branches === undefined ? [schema] : branches.map((branch) => branch.schema(prepared));
  const resolved = schemas.map((each) => resolveSchema(each, prepared.lookup));
  const name = stepsOf(leaf.instanceLocation).at(-1);
  const isOptional = !isRequired(leaf.keywordLocation, name, prepared);
  const near =
    leaf.keyword === "enum" && typeof value === "string"
      ? nearestNames(value, stringsOf(schema?.enum), 1)
      : [];
  const meant = near.map((each) => ` (did you mean ${quote(each)}?)`).join("");
  const advice = prepared.advise ? adviseOn(value, resolved, isOptional) : "";
  return `expected ${wanted}, got ${preview(value)}${meant}${advice}`;
}

/** The demand of each alternative, the closest first; for that one also what it lacks. */
function expectBranches(branches: readonly Branch[], root: unknown, prepared: Telling): string {
  const said = branches.slice(0, MAX_BRANCHES).map((branch, index) => {
    const wanted = sketchSchema(branch.schema(prepared), prepared.lookup);
    if (index > 0 || !branch.isNear) return wanted;
    const faults = describeAll(branch.leaves, root, prepared).slice(0, SHOWN_OF_BRANCH);
    return `${wanted} (${faults.join("; ")})`;
  });
  const others = branches.length - MAX_BRANCHES;
  return [...new Set(said), ...(others > 0 ? [`${others} others`] : [])].join(" or ");
}

function expectation(leaf: Leaf, schema: Schema | undefined, { lookup }: Telling): string | undefined {
  if (schema === undefined) return undefined;
  switch (leaf.keyword) {
    case "type":
    case "const":
      return sketchSchema(schema, lookup);
    case "enum":
      return listValues(schema.enum ?? []);
    case "pattern":
      return `a string that matches /${schema.pattern}/`;
    case "minLength":
      return `at least ${schema.minLength} characters`;
    case "maxLength":
      return `at most ${schema.maxLength} characters`;
    case "multipleOf":
      return `a multiple of ${schema.multipleOf}`;
    case "not":
      return `anything but ${sketchSchema(schema.not, lookup)}`;
    default:
      return undefined;
  }
}

/** The validator's own message, where it contains the rule and the value. */
function sayPlainly(error: string): string {
  return error
    .replace(/\s+/g, " ")
    .replace(
      /^Instance does not match exactly one subschema \((\d+) matches\)/,
      "it fits $1 of the alternatives, and may fit only one",
    )
    .replace("Instance does not have at least", "expected at least")
    .replace(/^Instance /, "it ");
}

function describeUnknown(path: readonly string[], root: unknown, schema: Schema | undefined): string {
  const name = path.at(-1) ?? "";
  const known = Object.keys(schema?.properties ?? {});
  const patterns = Object.keys(schema?.patternProperties ?? {}).map(
    (pattern) => `names that match /${pattern}/`,
  );
  const [near] = nearestNames(name, known, 1);
  const meant =
    near === undefined
      ? `; known are ${listNames([...known, ...patterns])}`
      : ` (did you mean ${quote(near)}?)`;
  return `unknown property ${quote(writePath(path, root))}${meant}`;
}

/** The validator gives the missing name only in its message; the schema and the value show it too. */
function describeMissing(
  leaves: readonly Leaf[],
  value: unknown,
  schema: Schema | undefined,
  holder: string,
  { lookup }: Telling,
): string {
  const given = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const properties: { readonly [name: string]: unknown } = schema?.properties ?? {};
  const stray = given.filter((name) => !Object.hasOwn(properties, name));
  const said = leaves.map((leaf) => {
    const missing = stringsOf(schema?.required).find((name) => leaf.error.includes(`"${name}".`));
    if (missing === undefined) return leaf.error;
    const wanted = Object.hasOwn(properties, missing) ? sketchSchema(properties[missing], lookup) : "";
    const type = wanted === "" || wanted === "any value" ? "" : ` (${wanted})`;
    const [near] = nearestNames(missing, stray, 1);
    const meant = near === undefined ? "" : `; ${quote(near)} is not its name`;
    return `${quote(writeStep(holder, missing))}${type}${meant}`;
  });
  return `missing ${said.join(", ")}`;
}

/** A fault of a property's name is not a fault of its value. */
function isNameFault({ keywordLocation }: Leaf): boolean {
  return /\/propertyNames(?:\/|$)/.test(keywordLocation);
}

function placeOf(leaf: Leaf, path: readonly string[], root: unknown): string {
  if (isNameFault(leaf)) return `the name ${quote(writePath(path, root))}: `;
  return path.length === 0 ? "" : `${cut(writePath(path, root), 200)}: `;
}

function stringsOf(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}
