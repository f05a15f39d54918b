import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { buildCatalog } from "../../src/tools/catalog.ts";
import { createArgumentChecker } from "../../src/tools/checking/arguments.ts";
import {
  defineTool,
  InvalidArgumentsError,
  type StandardSchema,
  type ToolDefinition,
} from "../../src/tools/define-tool.ts";

const { signal } = new AbortController();

test("a zod schema gives the JSON Schema, and the type of the arguments", async () => {
  const calculator = defineTool({
    name: "calculator",
    description: "Adds or multiplies.",
    input: z.object({ operation: z.enum(["add", "multiply"]), a: z.number(), b: z.number().default(1) }),
    output: z.number(),
    execute: (args, context) => {
      expectTypeOf(args).toEqualTypeOf<{ operation: "add" | "multiply"; a: number; b: number }>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      return args.operation === "add" ? args.a + args.b : args.a * args.b;
    },
    readOnly: true,
  });
  const { execute, ...source } = calculator;
  expect(source).toEqual({
    name: "calculator",
    description: "Adds or multiplies.",
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        operation: { type: "string", enum: ["add", "multiply"] },
        a: { type: "number" },
        b: { default: 1, type: "number" },
      },
      required: ["operation", "a"],
    },
    outputSchema: { $schema: "https://json-schema.org/draft/2020-12/schema", type: "number" },
    annotations: {},
    readOnly: true,
    idempotent: false,
    needsApproval: false,
  });
  expect(await execute({ operation: "add", a: 2 }, { signal })).toBe(3);
});

test("defaults and transforms of the library apply before the tool runs", async () => {
  const tool = defineTool({
    name: "t",
    description: "",
    input: z.object({
      day: z.iso.date().transform((text) => new Date(text)),
      tags: z.array(z.string()).default([]),
    }),
    execute: ({ day, tags }) => ({ year: day.getUTCFullYear(), tags }),
  });
  expect(await tool.execute({ day: "2026-01-02" }, { signal })).toEqual({ year: 2026, tags: [] });
});

test("what only the library can check is an invalid argument, and the tool does not run", async () => {
  let ran = false;
  const tool = defineTool({
    name: "t",
    description: "",
    input: z.object({
      range: z.object({ from: z.number(), to: z.number() }).refine((r) => r.from < r.to, "from >= to"),
    }),
    execute: () => {
      ran = true;
    },
  });
  const call = async () => tool.execute({ range: { from: 2, to: 1 } }, { signal });
  await expect(call()).rejects.toThrow(InvalidArgumentsError);
  await expect(call()).rejects.toThrow("/range: from >= to");
  expect(ran).toBe(false);
});

test("a plain JSON Schema is taken as it is, and what happens to it later does not matter", async () => {
  const input = { type: "object", properties: { path: { type: "string" } } };
  const tool = defineTool({
    name: "listFiles",
    description: "",
    input,
    positional: ["path"],
    execute: (args) => {
      expectTypeOf(args).toEqualTypeOf<{ readonly [name: string]: unknown }>();
      return args["path"];
    },
  });
  input.type = "string";
  expect(tool.inputSchema).toEqual({ type: "object", properties: { path: { type: "string" } } });
  expect(tool.positional).toEqual(["path"]);
  expect(await tool.execute({ path: "/x" }, { signal })).toBe("/x");
});

test("any library that speaks Standard Schema will do, also one whose schemas are functions", async () => {
  const schema: StandardSchema<{ n: number }, { n: bigint }> = Object.assign(() => {}, {
    "~standard": {
      version: 1 as const,
      vendor: "ours",
      validate: async (value: unknown) =>
        typeof value === "object" && value !== null && "n" in value && typeof value.n === "number"
          ? { value: { n: BigInt(value.n) } }
          : { issues: [{ message: "no n", path: [{ key: "n" }] }] },
      jsonSchema: {
        input: () => ({ type: "object", properties: { n: { type: "integer" } } }),
        output: () => ({ type: "object" }),
      },
    },
  });
  const tool = defineTool({ name: "t", description: "", input: schema, execute: ({ n }) => `${n + 1n}` });
  expect(tool.inputSchema).toEqual({ type: "object", properties: { n: { type: "integer" } } });
  expect(await tool.execute({ n: 1 }, { signal })).toBe("2");
  await expect(async () => tool.execute({}, { signal })).rejects.toThrow("/n: no n");
});

test("a defined tool passes the gate's check with its own schema", () => {
  const tool = defineTool({
    name: "add",
    description: "",
    input: z.object({ a: z.number(), b: z.number().default(2) }),
    execute: ({ a, b }) => a + b,
  });
  const catalog = buildCatalog([{ server: "local", tools: [tool] }], { readOnly: [], idempotent: [] });
  const [entry] = catalog.tools;
  if (entry === undefined) throw new Error("the tool is missing");
  expect(createArgumentChecker().check(entry, '{"a":1}')).toMatchObject({ ok: true, validated: true });
  expect(createArgumentChecker().check(entry, '{"a":"1"}')).toMatchObject({ ok: false });
});

const sound = { name: "t", description: "", input: z.object({ a: z.string() }), execute: () => null };
const unspoken: StandardSchema = {
  "~standard": { version: 1, vendor: "ours", validate: (value) => ({ value }) },
};

test.for([
  ["an empty name", { ...sound, name: "  " }, "name must be text"],
  ["a name with a slash", { ...sound, name: "a/b" }, "name must be text"],
  ["a positional argument that the schema lacks", { ...sound, positional: ["b"] }, 'positional names "b"'],
  ["a positional argument named twice", { ...sound, positional: ["a", "a"] }, "names an argument twice"],
  ["arguments that are no object", { ...sound, input: z.string() }, "must describe an object"],
  ["a schema that JSON cannot express", { ...sound, input: z.object({ a: z.date() }) }, "JSON Schema"],
  ["a schema without JSON Schema", { ...sound, input: unspoken }, "ours does not offer it"],
] as const)("%s is refused when the tool is defined", ([, definition, message]) => {
  const define: (given: ToolDefinition<StandardSchema>) => unknown = defineTool;
  expect(() => define(definition)).toThrow(
    expect.objectContaining({ code: "invalid_request", message: expect.stringContaining(message) }),
  );
});
