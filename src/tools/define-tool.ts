/** Tools given in code: one definition, checked when it is made. The argument's type is inferred from its schema. */

import { z } from "zod";
import { ToolariumError } from "../errors.ts";
import { isRecord } from "../json.ts";
import type { LocalTool } from "../mcp/server.ts";
import type { JsonSchema } from "./tool-source.ts";

/** A schema of zod, valibot, arktype or any other library that speaks Standard Schema (https://standardschema.dev). */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: "draft-2020-12" }) => {
        readonly [keyword: string]: unknown;
      };
      readonly output: (options: { readonly target: "draft-2020-12" }) => {
        readonly [keyword: string]: unknown;
      };
    };
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type PlainSchema = { readonly [keyword: string]: unknown };

/** The type that a schema describes. A plain JSON Schema has no type: an object of unknown values, or just unknown. */
type ArgumentsOf<Schema> =
  Schema extends StandardSchema<unknown, infer Output> ? Output : { readonly [name: string]: unknown };
type ResultOf<Schema> = Schema extends StandardSchema<unknown, infer Output> ? Output : unknown;

export interface ToolDefinition<
  Input extends StandardSchema | PlainSchema,
  Output extends StandardSchema | PlainSchema | undefined = undefined,
> {
  /** Not empty, no "/". Programs call the tool by this name, cleaned to an identifier. */
  readonly name: string;
  readonly description: string;
  /** Describes one object. */
  readonly input: Input;
  /**
   * Describes the result. Declared to programs; a result that does not fit has a note in the report.
   *
   * @defaultValue the result is `any` in a program
   */
  readonly output?: Output;
  /**
   * Gets validated arguments, with defaults and transforms applied. The message of a thrown error becomes the failure's
   * message.
   */
  readonly execute: (
    args: ArgumentsOf<Input>,
    context: { readonly signal: AbortSignal },
  ) => ResultOf<Output> | Promise<ResultOf<Output>>;
  /**
   * The tool changes nothing: a run that only called such tools has `effects: "none"`.
   *
   * @defaultValue false
   */
  readonly readOnly?: boolean;
  /**
   * Calling it again with equal arguments has no further effect.
   *
   * @defaultValue false
   */
  readonly idempotent?: boolean;
  /**
   * Every call needs approval.
   *
   * @defaultValue false: tools given in code run automatically
   */
  readonly needsApproval?: boolean;
  /**
   * Arguments that a program passes in order, e.g. `["path"]` for `analyzeFile(path)`.
   *
   * @defaultValue none: a program passes one object
   */
  readonly positional?: readonly string[];
}

/** Arguments that fit the JSON Schema but that the tool's own schema refuses. Kind `invalid_arguments`. */
export class InvalidArgumentsError extends Error {
  override readonly name = "InvalidArgumentsError";
}

/**
 * Checks a definition and makes the tool of it.
 *
 * @throws `invalid_request` for an empty name or one with "/", a schema that does not describe an object or cannot be
 *   written as JSON Schema, and a positional argument that the schema does not know
 *
 * @example
 * import { createSandbox, defineTool } from "toolarium";
 * import { z } from "zod";
 *
 * const double = defineTool({
 *   name: "double",
 *   description: "Twice a number.",
 *   input: z.object({ n: z.number() }),
 *   output: z.number(),
 *   execute: ({ n }) => n * 2,
 *   readOnly: true,
 *   positional: ["n"],
 * });
 * await using sandbox = await createSandbox({ tools: [double], workers: 1 });
 * const { result } = await sandbox.run("return await double(21)");
 * console.log(result); // 42
 */
export function defineTool<
  Input extends StandardSchema | PlainSchema,
  Output extends StandardSchema | PlainSchema | undefined = undefined,
>(definition: ToolDefinition<Input, Output>): LocalTool {
  const { name, description, input, output, positional } = definition;
  checkName(name);
  if (typeof description !== "string")
    throw nonsense(name, "description must be text that says what it does.");
  if (typeof definition.execute !== "function")
    throw nonsense(name, "execute must be a function that gets the arguments.");
  const inputSchema = describe(input, "input", name);
  checkIsObject(inputSchema, name);
  if (positional !== undefined) checkPositional(positional, inputSchema, name);
  return {
    name,
    description,
    inputSchema,
    ...(output === undefined ? {} : { outputSchema: describe(output, "output", name) }),
    annotations: {},
    ...(positional === undefined ? {} : { positional: [...positional] }),
    readOnly: definition.readOnly ?? false,
    idempotent: definition.idempotent ?? false,
    needsApproval: definition.needsApproval ?? false,
    execute: async (args, context) => definition.execute(await validate(input, args), context),
  };
}

function checkName(name: unknown): void {
  if (typeof name === "string" && name.trim() !== "" && !name.includes("/")) return;
  throw nonsense(
    typeof name === "string" ? name : "",
    'name must be text that is not empty and holds no "/", e.g. "listFiles".',
  );
}

/** A copy: the caller may change the schema afterwards. */
function describe(schema: StandardSchema | PlainSchema, side: "input" | "output", tool: string): PlainSchema {
  try {
    const described: unknown = JSON.parse(JSON.stringify(toJsonSchema(schema, side)));
    if (isRecord(described)) return described;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw nonsense(tool, `${side} cannot be written as JSON Schema: ${reason}`, error);
  }
  throw nonsense(
    tool,
    `${side} must be a Standard Schema (zod, valibot, arktype, …) or a JSON Schema object.`,
  );
}

function toJsonSchema(schema: StandardSchema | PlainSchema, side: "input" | "output"): JsonSchema {
  if (!isStandard(schema)) return schema;
  const { jsonSchema, vendor } = schema["~standard"];
  if (jsonSchema !== undefined) return jsonSchema[side]({ target: "draft-2020-12" });
  // zod before 4.2 has this conversion, but not as a method of its schemas.
  if (schema instanceof z.core.$ZodType) return z.toJSONSchema(schema, { io: side });
  throw new Error(`${vendor} does not offer it on this schema. Wrap it with the library's converter.`);
}

function checkIsObject(schema: PlainSchema, tool: string): void {
  const { type } = schema;
  if (type !== undefined && type !== "object")
    throw nonsense(tool, "input must describe an object: arguments always have names.");
}

function checkPositional(positional: readonly string[], schema: PlainSchema, tool: string): void {
  const known = [...propertyNames(schema)];
  const unknown = positional.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw nonsense(
      tool,
      `positional names ${JSON.stringify(unknown)}, which input does not have. It has: ${known.join(", ") || "nothing"}.`,
    );
  if (new Set(positional).size < positional.length)
    throw nonsense(tool, "positional names an argument twice.");
}

function propertyNames(schema: unknown): ReadonlySet<string> {
  if (!isRecord(schema)) return new Set();
  const branches = [schema["allOf"], schema["anyOf"], schema["oneOf"]].filter(Array.isArray).flat();
  const own = isRecord(schema["properties"]) ? Object.keys(schema["properties"]) : [];
  return new Set([...own, ...branches.flatMap((branch) => [...propertyNames(branch)])]);
}

/** The gate has checked the JSON Schema; this adds the checks that only the library can make, and its transforms. */
async function validate<Schema extends StandardSchema | PlainSchema>(
  schema: Schema,
  args: unknown,
): Promise<ArgumentsOf<Schema>> {
  if (!isStandard(schema)) return args as ArgumentsOf<Schema>;
  const result = await schema["~standard"].validate(args);
  if (result.issues === undefined) return result.value as ArgumentsOf<Schema>;
  throw new InvalidArgumentsError(result.issues.slice(0, 3).map(describeIssue).join("; "));
}

function describeIssue({ path = [], message }: StandardIssue): string {
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  return keys.length === 0 ? message : `/${keys.join("/")}: ${message}`;
}

/** The schemas of some libraries are functions. */
function isStandard(schema: unknown): schema is StandardSchema {
  return (
    ((typeof schema === "object" && schema !== null) || typeof schema === "function") && "~standard" in schema
  );
}

function nonsense(tool: string, problem: string, cause?: unknown): ToolariumError {
  return new ToolariumError(
    "invalid_request",
    `The tool ${JSON.stringify(tool)} cannot be defined: ${problem}`,
    {
      cause,
    },
  );
}
