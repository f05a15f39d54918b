/**
 * The faults among a validator's errors: errors with none below them, and each union as one fault with all its
 * branches.
 */
import type { OutputUnit, Schema } from "@cfworker/json-schema";
import { schemaAt } from "./fault-place.ts";
import type { PreparedSchema } from "./prepared-schema.ts";

/** An error with none below it; `branches` are the alternatives of a union, the closest first. */
export type Leaf = OutputUnit & { readonly branches?: readonly Branch[] };

export interface Branch {
  readonly leaves: readonly Leaf[];
  /** The value has the branch's kind, and only a part of it is wrong. */
  readonly isNear: boolean;
  schema(prepared: PreparedSchema): Schema | boolean | undefined;
}

/** `errors` in the validator's order: each one before those below it. */
export function findLeaves(errors: readonly OutputUnit[]): readonly Leaf[] {
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
      return [toUnion(error, below)];
    case "if":
      // The errors of `then` or `else` follow on their own.
      return [];
    case "contains":
    case "not":
      return [error];
    case "additionalProperties":
    case "unevaluatedProperties":
      // Reported for the object, because its known names are at hand there.
      if (below[0]?.keyword === "false")
        return [{ ...error, keyword: "unknown", instanceLocation: below[0].instanceLocation }];
  }
  return below.length === 0 ? [error] : findLeaves(below);
}

/** A value that fits too many alternatives has no fault in any of them. */
const FITS_SEVERAL = /\((?:[2-9]|\d\d+) matches\)/;

function toUnion(error: OutputUnit, below: readonly OutputUnit[]): Leaf {
  if (below.length === 0 || FITS_SEVERAL.test(error.error)) return error;
  const grouped = Map.groupBy(below, (each) => branchOf(each, error));
  const branches = [...grouped].map(([step, errors]) => {
    const leaves = findLeaves(errors);
    const misfit = leaves.reduce((sum, leaf) => sum + misfitOf(leaf, error), 0);
    return { misfit, branch: toBranch(step, leaves, misfit, error) };
  });
  return { ...error, branches: branches.sort((a, b) => a.misfit - b.misfit).map(({ branch }) => branch) };
}

function toBranch(
  step: string,
  leaves: readonly Leaf[],
  misfit: number,
  { keywordLocation }: OutputUnit,
): Branch {
  return {
    leaves,
    isNear: misfit < OTHER_KIND,
    schema(prepared) {
      const holder = schemaAt(keywordLocation, prepared);
      const branches: unknown = keywordLocation.endsWith("anyOf") ? holder?.anyOf : holder?.oneOf;
      return Array.isArray(branches) ? (branches[Number(step)] as Schema | boolean | undefined) : undefined;
    },
  };
}

const OTHER_KIND = 100;

function misfitOf({ keyword, instanceLocation }: Leaf, union: OutputUnit): number {
  if (!TELLS_KIND.has(keyword)) return 1;
  return instanceLocation === union.instanceLocation ? OTHER_KIND : 10;
}

const TELLS_KIND: ReadonlySet<string> = new Set(["type", "const", "enum", "anyOf", "oneOf"]);

function branchOf({ keyword, keywordLocation }: OutputUnit, above: OutputUnit): string {
  if (keyword === "false") return "false";
  return keywordLocation
    .slice(above.keywordLocation.length + 1)
    .split("/", 1)
    .join("");
}
