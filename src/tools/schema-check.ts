/**
 * JSON Schemas of strangers, made ready to check values of other strangers. Nothing is fetched, no code is generated,
 * and where a small value could keep the check busy for ever it runs against the clock.
 */
import { createContext, Script } from "node:vm";
import { dereference, type OutputUnit, type Schema, type SchemaDraft, validate } from "@cfworker/json-schema";
import { parseJson, toDoubles } from "../json.ts";
import type { JsonSchema } from "./catalog.ts";
import { fillDefaults } from "./schema-defaults.ts";
import { numbersFromDigits } from "./schema-digits.ts";
import { describeErrors, type Telling } from "./schema-errors.ts";
import { readSchema } from "./schema-reading.ts";

export type CompiledSchema =
  | {
      readonly ok: true;
      readonly check: (value: unknown, options?: CheckOptions) => SchemaVerdict;
    }
  /** The schema cannot be used: nothing can be said of any value. */
  | { readonly ok: false; readonly reason: string };

interface CheckOptions {
  /** Whether a string of digits stands for the number, where one is wanted that no number can hold. */
  readonly digits: boolean;
  /** Whether faults come with advice for whoever made the value. */
  readonly advise: boolean;
}

const PLAIN: CheckOptions = { digits: false, advise: false };

type SchemaVerdict =
  | { readonly type: "valid" }
  /** `message` names the first faults. Also the verdict on a value that cannot be checked in time. */
  | { readonly type: "invalid"; readonly message: string }
  /** The schema turned out to be malformed in the part that this value needs. */
  | { readonly type: "unchecked"; readonly reason: string };

/** A schema prepared by the validator, which wrote absolute addresses into it. */
export interface PreparedSchema {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** Every subschema by its absolute address. */
  readonly lookup: Record<string, Schema | boolean>;
  readonly filled: FilledDefaults;
}

/** Which missing properties get their default: those that are required, or all of them. */
export type FilledDefaults = "required" | "all";

/** Milliseconds for one value. Honest arguments of a megabyte take tens; a busy machine stretches them. */
const CHECK_MS = 1_000;

/** Keywords by which the smallest value can cost much: regular expressions, recursion. */
const COSTLY_KEYWORD = /"(?:pattern|patternProperties|\$ref|\$recursiveRef|\$dynamicRef)":/;

/** Compares all pairs: checked against the clock from this many members on. */
const PAIRWISE_KEYWORD = /"uniqueItems":/;
const PAIRWISE_VALUE = 50;

/** Values with more members than this are checked against the clock whatever the schema, up to their first fault. */
const LARGE_VALUE = 1_000;

/**
 * Prepares a schema in the dialect of its `$schema`, 2020-12 without one. `check` fills defaults into the value, then
 * validates it. The schema given is not touched.
 */
export function compileSchema(source: JsonSchema, filled: FilledDefaults): CompiledSchema {
  try {
    const text = JSON.stringify(source);
    const { root, draft, fault } = readSchema(parseJson(text));
    if (fault !== undefined) return { ok: false, reason: fault };
    const prepared: PreparedSchema = { root, draft, lookup: dereference(root), filled };
    // References that only lead to each other overflow the stack for any value.
    validateWith(prepared, {}, true);
    const costly = COSTLY_KEYWORD.test(text);
    const pairwise = PAIRWISE_KEYWORD.test(text);
    return {
      ok: true,
      check: (value, { digits, advise } = PLAIN) => {
        const large = hasMoreThan(LARGE_VALUE, value);
        const bounded = costly || large || (pairwise && hasMoreThan(PAIRWISE_VALUE, value));
        return judge(() => {
          if (digits) numbersFromDigits(value, prepared);
          return fillAndValidate({ ...prepared, advise }, value, large);
        }, bounded);
      },
    };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

function fillAndValidate(prepared: Telling, value: unknown, large: boolean): SchemaVerdict {
  fillDefaults(value, prepared);
  const comparable = toDoubles(value);
  const first = validateWith(prepared, comparable, true);
  if (first.length === 0) return { type: "valid" };
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

/**
 * What a value alone can bring about (no time, no stack, a key that has no address) is refused. Anything else that the
 * validator throws is a reference that leads nowhere, a pattern that is none, or a keyword of the wrong type.
 */
function judge(work: () => SchemaVerdict, costly: boolean): SchemaVerdict {
  try {
    return costly ? withDeadline(work, CHECK_MS) : work();
  } catch (error) {
    if (isFaultOfValue(error))
      return {
        type: "invalid",
        message: "they are too large or too tangled to be checked; send less at once",
      };
    return { type: "unchecked", reason: reasonOf(error) };
  }
}

/** By name: what ends a bounded check is an error of another realm. */
function isFaultOfValue(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if ("code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return true;
  return "name" in error && (error.name === "RangeError" || error.name === "URIError");
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

/** The only thing of the host in there is the function to run; the context exists for its timeout. */
const bounded: { run: () => void } = { run: () => {} };
const context: object = createContext(bounded, { codeGeneration: { strings: false, wasm: false } });
const script: Script = new Script("run()");

/** Ends `work` by throwing after so many milliseconds, regular expressions included. Costs about 0.15 ms. */
function withDeadline(work: () => SchemaVerdict, timeoutMs: number): SchemaVerdict {
  let verdict: SchemaVerdict | undefined;
  bounded.run = () => {
    verdict = work();
  };
  try {
    script.runInContext(context, { timeout: timeoutMs });
  } finally {
    bounded.run = () => {};
  }
  if (verdict === undefined) throw new Error("The check did not run.");
  return verdict;
}
