/** Validation errors in words a model can act on: where, what was expected, what came, and which name it meant. */
import type { OutputUnit, Schema } from "@cfworker/json-schema";
import { isExact } from "../json.ts";
import { nearestNames } from "./nearest.ts";
import type { PreparedSchema } from "./schema-check.ts";

/** Faults told, errors looked at to find them. */
const SHOWN = 3;
const MAX_ERRORS = 200;
/** Characters of one fault, of one echoed value, and values or names listed. */
const FAULT_CHARS = 240;
const VALUE_CHARS = 40;
const LISTED = 12;

/** An error with none below it; `alternatives` are those of a union of plain values, told as one. */
type Leaf = OutputUnit & { readonly alternatives?: readonly Leaf[] };

/** The first three faults, as clauses without a full stop. `errors` as the validator lists them: each one before those below it. */
export function describeErrors(
  errors: readonly OutputUnit[],
  value: unknown,
  prepared: PreparedSchema,
): string {
  const leaves = findLeaves(errors.slice(0, MAX_ERRORS));
  const faults = [
    ...new Set(leaves.map((leaf) => cut(withoutStop(describe(leaf, value, prepared)), FAULT_CHARS))),
  ];
  const more = faults.length > SHOWN ? ` (and ${faults.length - SHOWN} more)` : "";
  return faults.slice(0, SHOWN).join("; ") + more;
}

function findLeaves(errors: readonly OutputUnit[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  for (let index = 0; index < errors.length; index += 1) {
    const error = errors[index];
    if (error === undefined) break;
    const end = errors.findIndex((each, at) => at > index && !isBelow(each, error));
    const below = errors.slice(index + 1, end < 0 ? undefined : end);
    leaves.push(...leavesOf(error, below));
    index += below.length;
  }
  return leaves;
}

/** The validator gives the boolean schema `false` no address of its own. */
function isBelow(error: OutputUnit, above: OutputUnit): boolean {
  return error.keyword === "false"
    ? above.keyword !== "false" && isWithin(error.instanceLocation, above.instanceLocation)
    : isWithin(error.keywordLocation, above.keywordLocation) &&
        error.keywordLocation !== above.keywordLocation;
}

function isWithin(location: string, outer: string): boolean {
  return location === outer || location.startsWith(`${outer}/`);
}

function leavesOf(error: OutputUnit, below: readonly OutputUnit[]): readonly Leaf[] {
  switch (error.keyword) {
    case "anyOf":
    case "oneOf":
      return chooseBranch(error, below);
    case "if":
      // What `then` or `else` found follows as errors of its own.
      return [];
    case "contains":
    case "not":
      return [error];
    case "additionalProperties":
    case "unevaluatedProperties":
      // Said of the object, so that the names it does know are at hand.
      if (below[0]?.keyword === "false")
        return [{ ...error, keyword: "unknown", instanceLocation: below[0].instanceLocation }];
  }
  return below.length === 0 ? [error] : findLeaves(below);
}

/** Of alternatives, the one that nearly fits: the faults of the others would only mislead. */
function chooseBranch(error: OutputUnit, below: readonly OutputUnit[]): readonly Leaf[] {
  const branches = [...Map.groupBy(below, (each) => branchOf(each, error)).values()].map(findLeaves);
  const [first] = branches;
  if (first === undefined) return [error];
  const misfit = (leaf: Leaf) => {
    if (!isAboutValue(leaf)) return 1;
    return leaf.instanceLocation === error.instanceLocation ? 100 : 10;
  };
  const misfits = branches.map((leaves) => leaves.reduce((sum, leaf) => sum + misfit(leaf), 0));
  const least = Math.min(...misfits);
  const best = branches[misfits.indexOf(least)] ?? first;
  return least < 100 ? best : [{ ...error, alternatives: branches.flat().filter(isAboutValue) }];
}

function branchOf({ keyword, keywordLocation }: OutputUnit, above: OutputUnit): string {
  if (keyword === "false") return "false";
  return keywordLocation
    .slice(above.keywordLocation.length + 1)
    .split("/", 1)
    .join("");
}

function isAboutValue({ keyword }: OutputUnit): boolean {
  return keyword === "type" || keyword === "const" || keyword === "enum" || keyword === "anyOf";
}

function describe(leaf: Leaf, root: unknown, prepared: PreparedSchema): string {
  const path = stepsOf(leaf.instanceLocation);
  const at = path.length === 0 ? "" : `/${path.join("/")}: `;
  const value = walk(root, path);
  const schema = schemaAt(leaf.keywordLocation, prepared);
  switch (leaf.keyword) {
    case "required":
      return at + describeMissing(leaf, value, schema);
    case "unknown": {
      const name = path.at(-1) ?? "";
      const known = Object.keys(schema?.properties ?? {});
      const [near] = nearestNames(name, known, 1);
      const meant = near === undefined ? `; known are ${listNames(known)}` : didYouMean(near);
      return `unknown property ${quote(name)} at ${`/${path.slice(0, -1).join("/")}`}${meant}`;
    }
    case "false":
      return `${at}nothing is allowed here`;
    case "enum": {
      const near = typeof value === "string" ? nearestNames(value, stringsOf(schema?.enum), 1) : [];
      const hint = near.map(didYouMean).join("");
      return `${at}expected ${expectation(leaf, prepared)}, got ${preview(value)}${hint}`;
    }
    case "type":
    case "const":
      return `${at}expected ${expectation(leaf, prepared)}, got ${preview(value)}`;
    case "anyOf":
    case "oneOf":
      if (leaf.alternatives === undefined) return `${at}${leaf.error}`;
      return `${at}expected ${expectation(leaf, prepared)}, got ${preview(value)}`;
    default:
      return `${at}${leaf.error}`;
  }
}

/** The validator says the missing name only in its text; the schema and the value tell the same. */
function describeMissing(leaf: OutputUnit, value: unknown, schema: Schema | undefined): string {
  const given = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const properties = schema?.properties ?? {};
  const missing = stringsOf(schema?.required).find((name) => leaf.error.includes(`"${name}".`));
  if (missing === undefined) return leaf.error;
  const property = Object.hasOwn(properties, missing) ? properties[missing] : undefined;
  const type = typeof property === "object" ? typeOf(property) : "";
  const stray = given.filter((name) => !Object.hasOwn(properties, name));
  const [near] = nearestNames(missing, stray, 1);
  const meant = near === undefined ? "" : `; ${quote(near)} is not its name`;
  return `missing ${quote(missing)}${type === "" ? "" : ` (${type})`}${meant}`;
}

function expectation(leaf: Leaf, prepared: PreparedSchema): string {
  if (leaf.alternatives !== undefined)
    return [...new Set(leaf.alternatives.map((each) => expectation(each, prepared)))].join(" or ");
  const schema = schemaAt(leaf.keywordLocation, prepared);
  if (schema === undefined) return "another value";
  if (leaf.keyword === "const") return preview(schema.const);
  if (leaf.keyword === "enum") return listValues(schema.enum ?? []);
  return typeOf(schema);
}

function typeOf({ type }: Schema): string {
  return [type ?? []].flat().join(" or ");
}

function listValues(values: readonly unknown[]): string {
  const shown = values.slice(0, LISTED).map(preview).join(" or ");
  return values.length > LISTED ? `${shown} or ${values.length - LISTED} others` : shown;
}

function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  return names.slice(0, LISTED).join(", ") + (names.length > LISTED ? ", …" : "");
}

function preview(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null && !isExact(value)) return "an object";
  return cut(JSON.stringify(value) ?? "nothing", VALUE_CHARS);
}

/** In brackets, as more of the sentence follows. */
function didYouMean(name: string): string {
  return ` (did you mean ${quote(name)}?)`;
}

/** The validator speaks in sentences. */
function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}

function quote(name: string): string {
  return cut(JSON.stringify(name), VALUE_CHARS * 2);
}

function cut(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}…` : text;
}

function stringsOf(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

/** `#/a/b%20c` → `a`, `b c`. */
function stepsOf(location: string): readonly string[] {
  return location
    .split("/")
    .slice(1)
    .map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The schema that holds the keyword, by the way the validator came: through references too. */
function schemaAt(keywordLocation: string, { root, lookup }: PreparedSchema): Schema | undefined {
  let place: unknown = root;
  for (const step of stepsOf(keywordLocation).slice(0, -1)) {
    const target = step === "$ref" && isRecord(place) ? place["__absolute_ref__"] : undefined;
    place = typeof target === "string" ? lookup[target] : walk(place, [step]);
  }
  return isRecord(place) ? place : undefined;
}

function walk(value: unknown, path: readonly string[]): unknown {
  let place = value;
  for (const step of path)
    place =
      typeof place === "object" && place !== null && Object.hasOwn(place, step)
        ? Reflect.get(place, step)
        : undefined;
  return place;
}

function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
