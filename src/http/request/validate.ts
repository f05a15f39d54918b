/**
 * Parses the unknown values of requests into typed ones. A refusal names each fault by JSON pointer, with what was
 * expected and the type that came, never the value.
 */
import { type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { z } from "zod";
import { type FieldError, ToolariumError } from "../../errors.ts";

/** Deepest nesting of a JSON value in a request for a program or a tool; a scalar has 0. */
const MAX_JSON_DEPTH = 200;

/** A JSON value for a program or a tool. Deeper than 200 levels it could not be serialized again. */
export const jsonValue: z.ZodType<unknown> = z
  .unknown()
  .refine((value) => isShallow(value), `expected JSON nested at most ${MAX_JSON_DEPTH} levels deep`);

/** Patterns of the tools to which a request narrows itself. */
export const toolPatterns: z.ZodType<string[]> = z
  .array(z.string().max(2_048, "expected a pattern of at most 2048 characters"))
  .max(1_000, "expected at most 1000 patterns");

/** A program's text. */
export const programText: z.ZodType<string> = z
  .string()
  .refine((code) => code.trim() !== "", "expected a program, got blank text");

/** A number in a query string. */
export const wholeNumber: z.ZodType<number> = z
  .string()
  .regex(/^\d{1,15}$/, "expected a whole number")
  .transform(Number);

/** The query parameters of every list. */
export const pageFields: {
  readonly limit: z.ZodType<number>;
  readonly cursor: z.ZodType<string | undefined>;
} = {
  limit: wholeNumber
    .pipe(z.number().min(1, "expected at least 1").max(200, "expected at most 200"))
    .default(50),
  cursor: z.string().optional(),
};

/** @throws `invalid_request` with an entry for each fault, at most `MOST_ERRORS` */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  return parseWith(schema, body, "body");
}

/** Values of a query string are strings, which the schema converts. @throws `invalid_request` */
export function parseQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  return parseWith(schema, query, "query");
}

/** The refusal of a body that is not JSON, with the place of the fault where it is known. */
export function invalidJson(text: string): ToolariumError {
  const message = `The body is not valid JSON${(text.length <= EXAMINED_CHARS && faultIn(text)) || placeIn(text)}.`;
  return new ToolariumError("invalid_request", message, { errors: [{ pointer: "", message }] });
}

/** Most characters for the parser that explains the fault: it is slow, and recursive. */
const EXAMINED_CHARS = 65_536;

function faultIn(text: string): string | undefined {
  const errors: ParseError[] = [];
  try {
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const [first] = errors;
  if (first === undefined) return undefined;
  const before = text.slice(0, first.offset).split("\n");
  const fault = printParseErrorCode(first.error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
  return ` at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${fault}`;
}

/** The place of the fault, which V8's own error names in most cases. */
function placeIn(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    const { message } = error as Error;
    const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(message) ?? [];
    if (line !== undefined) return ` at line ${line}, column ${column}`;
    return /end of JSON/.test(message) ? ": it ends too early" : "";
  }
}

/** The refusal of `parseBody` for an unknown field, for a field that no schema gets to see. */
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
  const all = parsed.error.issues.slice(0, MOST_ERRORS).flatMap(toFieldErrors);
  const errors = all.slice(0, MOST_ERRORS);
  const [first] = errors;
  const where = first?.pointer ? ` at ${first.pointer}` : "";
  const others = all.length - 1 + Math.max(0, parsed.error.issues.length - MOST_ERRORS);
  const more = others > 0 ? ` (and ${others} more)` : "";
  const param = first?.pointer.split("/")[1];
  throw new ToolariumError("invalid_request", `The ${part} is not valid${where}: ${first?.message}${more}.`, {
    errors,
    ...(param === undefined ? {} : { param }),
  });
}

/** Most faults that one refusal lists: a body can have as many faults as values. */
const MOST_ERRORS = 100;

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
