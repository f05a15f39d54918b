/**
 * Unknown values to typed ones, at the door. A refusal names every fault by JSON pointer, with what was expected and
 * the type of what came, never its value.
 */
import { type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { z } from "zod";
import { type FieldError, ToolariumError } from "../../errors.ts";

/** Nesting of JSON values that a request may carry for a program or a tool; a scalar is 0. */
const MAX_JSON_DEPTH = 200;

/** Any JSON value a program or a tool can be given. Deeper than 200 levels it could not be written as text again. */
export const jsonValue: z.ZodType<unknown> = z
  .unknown()
  .refine((value) => isShallow(value), `expected JSON nested at most ${MAX_JSON_DEPTH} levels deep`);

/** A program's text. */
export const programText: z.ZodType<string> = z
  .string()
  .refine((code) => code.trim() !== "", "expected a program, got blank text");

/** A number in a query string. */
export const wholeNumber: z.ZodType<number> = z
  .string()
  .regex(/^\d{1,15}$/, "expected a whole number")
  .transform(Number);

/** What every list takes, in its query string. */
export const pageFields: {
  readonly limit: z.ZodType<number>;
  readonly cursor: z.ZodType<string | undefined>;
} = {
  limit: wholeNumber
    .pipe(z.number().min(1, "expected at least 1").max(200, "expected at most 200"))
    .default(50),
  cursor: z.string().optional(),
};

/** @throws `invalid_request` with one entry per fault */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  return parseWith(schema, body, "body");
}

/** Values of a query string are strings; the schema says what they stand for. @throws `invalid_request` */
export function parseQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  return parseWith(schema, query, "query");
}

/** A body that is not JSON: says where the text breaks. */
export function invalidJson(text: string): ToolariumError {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [first] = errors;
  if (first === undefined) return new ToolariumError("invalid_request", "The body is not valid JSON.");
  const before = text.slice(0, first.offset).split("\n");
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  const fault = printParseErrorCode(first.error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
  const message = `The body is not valid JSON at ${place}: ${fault}.`;
  return new ToolariumError("invalid_request", message, { errors: [{ pointer: "", message }] });
}

/** What `parseBody` says of a field it does not know, for one that a schema never gets to see. */
export function unknownField(name: string): ToolariumError {
  const pointer = toPointer([name]);
  const errors = [{ pointer, message: UNKNOWN_FIELD }];
  return new ToolariumError("invalid_request", `The body is not valid at ${pointer}: ${UNKNOWN_FIELD}.`, {
    errors,
    param: name,
  });
}

const UNKNOWN_FIELD = "there is no such field here";

function parseWith<T>(schema: z.ZodType<T>, value: unknown, part: "body" | "query"): T {
  const parsed = schema.safeParse(value, { error: describeIssue });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(toFieldErrors);
  const [first] = errors;
  const where = first?.pointer ? ` at ${first.pointer}` : "";
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const param = first?.pointer.split("/")[1];
  throw new ToolariumError("invalid_request", `The ${part} is not valid${where}: ${first?.message}${more}.`, {
    errors,
    ...(param === undefined ? {} : { param }),
  });
}

function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${nameOfExpected(issue.expected)}, got ${nameOfType(issue.input)}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}, got ${
        typeof issue.input === "string" ? "another string" : nameOfType(issue.input)
      }`;
    case "invalid_union":
      return `expected another shape, got ${nameOfType(issue.input)}`;
    default:
      return undefined;
  }
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const pointer = toPointer(issue.path);
  if (issue.code !== "unrecognized_keys") return [{ pointer, message: issue.message }];
  return issue.keys.map((key) => ({
    pointer: pointer + toPointer([key]),
    message: UNKNOWN_FIELD,
  }));
}

function toPointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function nameOfExpected(type: string): string {
  return type === "int" ? "an integer" : withArticle(type);
}

function nameOfType(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return withArticle(Array.isArray(value) ? "array" : typeof value);
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}

function isShallow(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= MAX_JSON_DEPTH; depth += 1) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    if (level.length === 0) return true;
  }
  return false;
}
