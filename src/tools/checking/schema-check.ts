/**
 * Prepares untrusted JSON Schemas to check untrusted values. Nothing is fetched, no code is generated, and patterns run
 * in linear time. Where a small value could make the check long, the check has a time limit.
 */

import { dereference, type OutputUnit, validate } from "@cfworker/json-schema";
import { parseJson, toDoubles } from "../../json.ts";
import type { JsonSchema } from "../tool-source.ts";
import { isOutOfTime, spendTime, withDeadline } from "./deadline.ts";
import { withPatterns } from "./linear-patterns.ts";
import type { FilledDefaults, PreparedSchema, SchemaVerdict } from "./prepared-schema.ts";
import { fillDefaults } from "./schema-defaults.ts";
import { numbersFromDigits } from "./schema-digits.ts";
import { describeErrors, type Telling } from "./schema-errors.ts";
import { readSchema } from "./schema-reading.ts";

export type CompiledSchema =
  | {
      readonly ok: true;
      readonly check: (value: unknown, options?: Partial<CheckOptions>) => SchemaVerdict;
      /** The part of it that is ignored for every value. A clause. */
      readonly unread?: string;
    }
  /** The schema cannot be used: no value can be checked against it. */
  | { readonly ok: false; readonly reason: string };

interface CheckOptions {
  /** Whether a string of digits counts as a number where the number would lose digits. */
  readonly digits: boolean;
  /** Whether faults come with advice for the author of the value. */
  readonly advise: boolean;
  /** Milliseconds of the thread for the whole check. */
  readonly budgetMs: number;
}

/**
 * Milliseconds of the thread for all checks of one call, of its arguments and its result together. Honest arguments
 * take one. Values that take longer pass unvalidated: validation helps the caller, and is not a security barrier.
 */
export const CHECK_MS = 20;

/** Milliseconds to prepare a schema, once. The largest of real servers take ten. */
const PREPARE_MS = 50;

/** Keywords that can make the smallest value costly: recursion, and compositions that multiply. */
const COSTLY_KEYWORD =
  /"(?:pattern|patternProperties|\$ref|\$recursiveRef|\$dynamicRef|uniqueItems|contains|unevaluatedItems|unevaluatedProperties)":/;

/** Characters of the schema times members of the value; from this product on, the check has a time limit. */
const COSTLY_PRODUCT = 200_000;

/** For values with more members, only the first fault is searched. */
const LARGE_VALUE = 1_000;

/**
 * Prepares a schema in the dialect of its `$schema`, 2020-12 without one. `check` fills defaults into the value, then
 * validates it. The given schema is not changed.
 */
export function compileSchema(source: JsonSchema, filled: FilledDefaults): CompiledSchema {
  return spendTime(() => {
    try {
      const read = withDeadline(() => prepare(source, filled), PREPARE_MS);
      return "ok" in read ? read : toCompiled(read);
    } catch (error) {
      const reason = isOutOfTime(error) ? `it cannot be read within ${PREPARE_MS} ms` : reasonOf(error);
      return { ok: false, reason };
    }
  });
}

interface Prepared extends PreparedSchema {
  readonly text: string;
  readonly unread: readonly string[];
}

function prepare(source: JsonSchema, filled: FilledDefaults): Prepared | CompiledSchema {
  const text = JSON.stringify(source);
  const { root, draft, fault, patterns, unread } = readSchema(parseJson(text));
  if (fault !== undefined) return { ok: false, reason: fault };
  return { root, draft, lookup: dereference(root), filled, patterns, text, unread };
}

/**
 * @throws the fault of a schema that fails for any value: references that only lead to each other overflow the stack
 */
function toCompiled({ text, unread, ...prepared }: Prepared): CompiledSchema {
  withPatterns(prepared.patterns, () => withDeadline(() => validateWith(prepared, {}, true), PREPARE_MS));
  const costly = COSTLY_KEYWORD.test(text);
  const manyMembers = Math.min(LARGE_VALUE, COSTLY_PRODUCT / text.length);
  const [first] = unread;
  return {
    ok: true,
    ...(first === undefined ? {} : { unread: `the pattern at ${first}` }),
    check: (value, { digits = false, advise = false, budgetMs = CHECK_MS } = {}) => {
      const bounded = costly || hasMoreThan(manyMembers, value);
      const firstOnly = bounded && hasMoreThan(LARGE_VALUE, value);
      return judge(prepared, bounded ? budgetMs : undefined, (found) => {
        if (digits) numbersFromDigits(value, prepared);
        return fillAndValidate({ ...prepared, advise }, value, firstOnly, found);
      });
    },
  };
}

function fillAndValidate(
  prepared: Telling,
  value: unknown,
  large: boolean,
  found: (errors: readonly OutputUnit[]) => void,
): Verdict {
  fillDefaults(value, prepared);
  const comparable = toDoubles(value);
  const first = validateWith(prepared, comparable, true);
  if (first.length === 0) return { type: "valid" };
  found(first);
  const errors = large ? first : validateWith(prepared, comparable, false);
  return { type: "invalid", message: describeErrors(errors, value, prepared) };
}

function validateWith(
  { root, draft, lookup }: PreparedSchema,
  value: unknown,
  firstOnly: boolean,
): readonly OutputUnit[] {
  return validate(value, root, draft, lookup, firstOnly).errors;
}

type Verdict = WithoutTime<SchemaVerdict>;
type WithoutTime<V> = V extends unknown ? Omit<V, "tookMs"> : never;

/** `budgetMs`: undefined for a check that cannot take long. */
function judge(
  { patterns }: PreparedSchema,
  budgetMs: number | undefined,
  work: (found: (errors: readonly OutputUnit[]) => void) => Verdict,
): SchemaVerdict {
  const startedAt = performance.now();
  let faults: readonly OutputUnit[] = [];
  const run = (): Verdict =>
    work((errors) => {
      faults = errors;
    });
  const decide = (): Verdict => {
    try {
      return withPatterns(patterns, () => (budgetMs === undefined ? run() : withDeadline(run, budgetMs)));
    } catch (error) {
      return isOutOfTime(error) ? verdictInTime(faults) : verdictOn(error);
    }
  };
  const verdict = spendTime(decide);
  return { ...verdict, tookMs: performance.now() - startedAt };
}

/** A fault stands even if there was no time to explain it. */
function verdictInTime(faults: readonly OutputUnit[]): Verdict {
  const fault = faults.at(-1);
  if (fault === undefined) return { type: "unchecked", reason: `the check takes more than ${CHECK_MS} ms` };
  const { instanceLocation, error } = fault;
  return { type: "invalid", message: `${instanceLocation.slice(0, 200)}: ${error.slice(0, 200)}` };
}

/**
 * Errors that the value alone can cause (a stack overflow, a key without an address) refuse it. Any other error of the
 * validator means a reference without a target, or a keyword of the wrong type.
 */
function verdictOn(error: unknown): Verdict {
  const name = error instanceof Object && "name" in error ? error.name : "";
  return name === "RangeError" || name === "URIError"
    ? { type: "invalid", message: "they are too large or too tangled to be checked; send less at once" }
    : { type: "unchecked", reason: reasonOf(error) };
}

function hasMoreThan(limit: number, value: unknown): boolean {
  let level = [value];
  for (let members = 0; level.length > 0; ) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    members += level.length;
    if (members > limit) return true;
  }
  return false;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1).join("").slice(0, 200);
}
