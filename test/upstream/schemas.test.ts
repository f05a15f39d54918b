/** Schemas of tools as families of providers take them: wider than the original where they must be, not narrower. */
import { type Schema, Validator } from "@cfworker/json-schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fields, isFields } from "../../src/upstream/model.ts";
import { adaptSchema } from "../../src/upstream/schemas/adapt-schema.ts";
import { type DialectName, dialectNames } from "../../src/upstream/schemas/dialects.ts";
import { startWire, type Wire } from "./helpers/sent.ts";

const object = (properties: Fields, rest: Fields = {}): Fields => ({ type: "object", properties, ...rest });
const text = { type: "string" };
const number = { type: "number" };

/** By what is refused somewhere: a schema, and values that fit it. */
const cases: readonly (readonly [what: string, schema: unknown, ...values: readonly Fields[]])[] = [
  ["an array without items", object({ a: { type: "array" } }), { a: [1, "x", { y: [[]] }] }, {}],
  [
    "a tuple",
    object({ a: { type: "array", prefixItems: [number, text] } }),
    { a: [1, "x"] },
    { a: [1, "x", 2] },
  ],
  [
    "a tuple of the older drafts",
    object({ a: { type: "array", items: [number, text], additionalItems: false } }),
    { a: [1, "x"] },
    { a: [] },
  ],
  [
    "alternatives at the root",
    object(
      { id: text },
      {
        required: ["id"],
        oneOf: [
          { properties: { a: text }, required: ["a"] },
          { properties: { b: number, id: { minLength: 3 } }, required: ["b"] },
        ],
      },
    ),
    { id: "x", a: "y" },
    { id: "xyz", b: 1 },
  ],
  ["nothing but alternatives", { anyOf: [object({ a: text }), object({ b: number })] }, { a: "x" }, { b: 1 }],
  [
    "all of several",
    { type: "object", allOf: [object({ a: text }, { required: ["a"] }), object({ b: number })] },
    { a: "x", b: 1 },
  ],
  [
    "conditions",
    object({ a: text }, { not: { required: ["c"] }, dependentRequired: { a: ["b"] } }),
    { a: "x", b: 1 },
    {},
  ],
  [
    "a list of types",
    object({ a: { type: ["string", "null"] }, b: { type: ["integer", "string"] } }),
    { a: null, b: 1 },
    { a: "x", b: "y" },
  ],
  [
    "a list of types with limits",
    object({ a: { type: ["string", "array"], minLength: 2, items: number } }),
    { a: "xy" },
    { a: [1] },
  ],
  [
    "an optional value",
    object({ a: { anyOf: [text, { type: "null" }], default: null } }),
    { a: null },
    { a: "x" },
  ],
  [
    "constants",
    object({ a: { const: "x" }, b: { const: 5 }, c: { type: "boolean", const: true } }),
    { a: "x", b: 5, c: true },
  ],
  [
    "lists of values",
    object({
      a: { enum: ["x", "x", "y"] },
      b: { enum: [1, 2] },
      c: { enum: ["", "z"] },
      d: { enum: ["z", null] },
    }),
    { a: "y", b: 2, c: "", d: null },
  ],
  [
    "limits and formats",
    object({
      a: { type: "string", format: "uri", pattern: "^https", maxLength: 90 },
      b: { type: "integer", exclusiveMinimum: 0, multipleOf: 2 },
    }),
    { a: "https://a.b", b: 4 },
  ],
  ["schemas that are no objects", object({ a: true, b: {} }), { a: [], b: null }, { a: 1, b: {} }],
  [
    "a definition",
    object({ a: { $ref: "#/$defs/x", description: "an x" } }, { $defs: { x: object({ y: text }) } }),
    { a: { y: "z" } },
  ],
  [
    "a definition inside itself",
    object(
      { a: { $ref: "#/$defs/x" } },
      { $defs: { x: object({ next: { $ref: "#/$defs/x" }, v: number }) } },
    ),
    { a: { v: 1, next: { v: 2, next: { v: 3 } } } },
  ],
  [
    "a root that is a reference",
    { $ref: "#/definitions/x", definitions: { x: object({ y: text }) } },
    { y: "z" },
  ],
  [
    "maps",
    object({
      a: { type: "object", additionalProperties: text },
      b: { type: "object", patternProperties: { "^x": number } },
    }),
    { a: { k: "v" }, b: { x1: 1 } },
  ],
  [
    "names that are no words",
    object({ "a b": text, $c: text, ü: number }, { required: ["a b"], additionalProperties: false }),
    { "a b": "x", ü: 1 },
  ],
  [
    "properties named like keywords",
    object(
      { type: text, properties: { $ref: "#/$defs/x" }, enum: number, required: text },
      { $defs: { x: text } },
    ),
    { type: "x", properties: "y", enum: 1, required: "z" },
  ],
  ["demands for what is not declared", object({ a: text }, { required: ["a", "a", "z"] }), { a: "x", z: 1 }],
  [
    "typed alternatives",
    object({ a: { type: "string", anyOf: [{ enum: ["x"] }, { pattern: "^y" }] } }),
    { a: "x" },
    { a: "yy" },
  ],
  [
    "alternatives of objects",
    object({
      a: {
        type: "object",
        properties: { p: text, q: text },
        anyOf: [{ required: ["p"] }, { required: ["q"] }],
      },
    }),
    { a: { p: "x" } },
    { a: { q: "y" } },
  ],
  [
    "alternatives of anything",
    object({
      a: { oneOf: [text, object({ z: number }, { required: ["z"] }), { type: "array", items: text }] },
    }),
    { a: "x" },
    { a: { z: 1 } },
    { a: ["y"] },
  ],
];

/** Faults that every validator of a provider would find. */
const malformed: readonly (readonly [what: string, schema: unknown, changed: unknown])[] = [
  ["a type that is none", object({ a: { type: "any" }, b: { type: "String" } }), { a: {}, b: text }],
  ["a list of no values", object({ a: { type: "string", enum: [] } }), { a: text }],
  ["a schema that forbids", object({ a: false }), { a: {} }],
  ["a schema that is none", object({ a: "string", b: null }), { a: {}, b: {} }],
  ["a demand that is no list", object({ a: { type: "string", required: true } }), { a: text }],
  [
    "limits of the fourth draft",
    object({ a: { type: "number", minimum: 0, exclusiveMinimum: true } }),
    { a: { type: "number", exclusiveMinimum: 0 } },
  ],
  ["nullable", object({ a: { type: "string", nullable: true } }), { a: { type: ["string", "null"] } }],
  [
    "a reference to nothing",
    object({ a: { $ref: "#/$defs/none", description: "d" }, b: { $ref: "https://elsewhere/x" } }),
    { a: { description: "d" }, b: {} },
  ],
  ["alternatives of nothing", object({ a: { type: "string", anyOf: [] } }), { a: text }],
  [
    "a pattern that is none",
    object({ a: { type: "string", pattern: "(" } }),
    { a: { type: "string", description: 'Also: {"pattern":"("}' } },
  ],
  ["properties that are none", { type: "object", properties: [] }, {}],
  ["no schema at all", null, {}],
];

describe.each(dialectNames)("for %s", (dialect) => {
  test.each(cases)("%s", (_what, schema, ...values) => {
    const { schema: adapted, changes } = adaptSchema(schema, dialect);
    expect(faultsOf(adapted, dialect)).toEqual([]);
    for (const value of values) {
      expect(fits(schema, value), JSON.stringify(value)).toBe(true);
      expect(fits(adapted, value), `${JSON.stringify(value)} in ${JSON.stringify(adapted)}`).toBe(true);
    }
    expect(adaptSchema(schema, dialect)).toEqual({ schema: adapted, changes });
    expect(adaptSchema(adapted, dialect).schema).toEqual(adapted);
  });

  test.each(malformed)("%s", (_what, schema) => {
    expect(faultsOf(adaptSchema(schema, dialect).schema, dialect)).toEqual([]);
  });
});

test.each(malformed)("OpenAI's family reads %s as what it can only mean", (_what, schema, properties) => {
  expect(adaptSchema(schema, "openai").schema).toEqual({ type: "object", properties });
});

test("what every family takes stays as it is", () => {
  const schema = object(
    {
      city: { type: "string", description: "A city." },
      days: { type: "integer", minimum: 1 },
      tags: { type: "array", items: text },
    },
    { required: ["city"] },
  );
  for (const dialect of dialectNames) expect(adaptSchema(schema, dialect)).toEqual({ schema, changes: [] });
});

test("OpenAI's and Anthropic's families keep what only others refuse", () => {
  const schema = object(
    {
      a: { $ref: "#/$defs/x" },
      b: { type: ["string", "null"], format: "uri", pattern: "\\d" },
      c: { oneOf: [text, number], default: 1 },
    },
    { additionalProperties: false, $defs: { x: object({ y: text }) } },
  );
  for (const dialect of ["openai", "anthropic"] as const)
    expect(adaptSchema(schema, dialect)).toEqual({ schema, changes: [] });
});

test("what may not be said in a schema is told in words, and for people with its place", () => {
  const { schema, changes } = adaptSchema(
    object({ a: { type: "integer", exclusiveMinimum: 0, description: "How many." } }),
    "gemini",
  );
  expect(schema["properties"]).toEqual({
    a: { type: "integer", description: 'How many. (also: {"exclusiveMinimum":0})' },
  });
  expect(changes).toEqual(["/properties/a: exclusiveMinimum told in the description"]);
});

test("a document that grows without end is cut where it may be anything", () => {
  const levels = Array.from({ length: 30 }, (_, level) => [
    `l${level}`,
    object({ a: { $ref: `#/$defs/l${level + 1}` }, b: { $ref: `#/$defs/l${level + 1}` } }),
  ]);
  const { schema, changes } = adaptSchema(
    object({ a: { $ref: "#/$defs/l0" } }, { $defs: { ...Object.fromEntries(levels), l30: text } }),
    "common",
  );
  expect(JSON.stringify(schema).length).toBeLessThan(500_000);
  expect(changes).toContain("/: too large: its deeper parts may be anything");
});

describe("tools of a request", () => {
  let wire: Wire;
  beforeAll(async () => {
    wire = await startWire();
  });
  afterAll(() => wire[Symbol.asyncDispose]());

  const tool = (name: string, parameters: unknown, rest: Fields = {}): Fields => ({
    type: "function",
    function: { name, description: `Does ${name}.`, parameters, ...rest },
  });
  const odd = object({ a: { type: "array" } }, { anyOf: [{ required: ["a"] }] });

  test("those of the gateway are made to fit, those of the caller go as they came", async () => {
    for (const raw of [false, true]) {
      const { tools } = await wire.send({
        tools: [tool("ours", odd), tool("theirs", odd)],
        ownTools: 1,
        raw,
      });
      expect(tools).toMatchObject([
        { function: { parameters: { properties: { a: { items: {} } } } } },
        tool("theirs", odd),
      ]);
      expect(JSON.stringify((tools as Fields[])[0])).not.toContain('"anyOf":[{"required":["a"]}]');
    }
  });

  test.each([
    ["api.openai.com", "gpt-4o", { type: ["string", "null"] }],
    ["generativelanguage.googleapis.com", "gemini-2.5-pro", { type: "string", nullable: true }],
    ["openrouter.ai", "google/gemini-2.5-pro", { type: "string", nullable: true }],
    ["api.moonshot.ai", "kimi-k2", { anyOf: [text, { type: "null" }] }],
  ])("go to %s, %s in its dialect", async (host, model, declared) => {
    const tools = [tool("ours", object({ a: { type: ["string", "null"] } }))];
    const sent = await wire.send({ host, model, tools, ownTools: 1 });
    expect(sent["tools"]).toMatchObject([{ function: { parameters: { properties: { a: declared } } } }]);
  });

  test("Gemini is told of no parameters where there are none", async () => {
    const tools = [tool("ours", object({}), { strict: true })];
    const sent = await wire.send({
      host: "generativelanguage.googleapis.com",
      model: "gemini-2.5-pro",
      tools,
      ownTools: 1,
    });
    expect(sent["tools"]).toEqual([
      { type: "function", function: { name: "ours", description: "Does ours." } },
    ]);
  });

  test("a tool that nobody describes is described by its name", async () => {
    const tools = [tool("ours", object({}), { description: "" })];
    expect((await wire.send({ tools, ownTools: 1 }))["tools"]).toEqual([
      tool("ours", object({}), { description: "ours" }),
    ]);
  });

  test("a description that is too long goes on in the parameters'", async () => {
    const description = Array.from({ length: 400 }, (_, index) => `word${index}`).join(" ");
    const tools = [tool("ours", object({}), { description })];
    const sent = await wire.send({ host: "api.openai.com", model: "gpt-4o", tools, ownTools: 1 });
    const [declared] = (sent["tools"] as { function: { description: string; parameters: Fields } }[]).map(
      (each) => each.function,
    );
    expect(declared?.description.length).toBeLessThanOrEqual(1_024);
    const whole = `${declared?.description.replace(/…$/, "")}${String(declared?.parameters["description"]).replace(/^… /, "")}`;
    expect(whole).toBe(description);
    expect((await wire.send({ tools, ownTools: 1 }))["tools"]).toEqual([
      tool("ours", object({}), { description }),
    ]);
  });

  test("no more than a provider takes: the caller's, those of the conversation, then the first", async () => {
    const ours = Array.from({ length: 200 }, (_, index) => tool(`t${index}`, object({})));
    const messages = [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", type: "function", function: { name: "t190", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "a", content: "" },
    ];
    const params = { tool_choice: { type: "function", function: { name: "t180" } } };
    const request = { tools: [...ours, tool("theirs", object({}))], ownTools: 200, messages, params };
    const names = async (host: string) =>
      ((await wire.send({ ...request, host }))["tools"] as { function: Fields }[]).map(
        (each) => each.function["name"],
      );
    const sent = await names("api.openai.com");
    expect(sent).toHaveLength(128);
    expect(sent.slice(-4)).toEqual(["t124", "t180", "t190", "theirs"]);
    expect(await names("models.example")).toHaveLength(201);
  });
});

/** `nullable` as Google reads it. */
function fits(schema: unknown, value: unknown): boolean {
  const read = JSON.parse(JSON.stringify(schema), (_key, each: unknown) =>
    isFields(each) && each["nullable"] === true
      ? { anyOf: [{ type: "null" }, { ...each, nullable: undefined }] }
      : each,
  ) as Schema;
  return new Validator(
    read,
    Array.isArray((read as Fields)["items"]) ? "7" : draftOf(schema),
    false,
  ).validate(value).valid;
}

function draftOf(schema: unknown): "7" | "2020-12" {
  return /"items":\[/.test(JSON.stringify(schema)) ? "7" : "2020-12";
}

const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

/** What providers of this family refuse, by their documents and the reports of their users. */
function faultsOf(root: Fields, dialect: DialectName): readonly string[] {
  const faults: string[] = [];
  const isStrict = dialect === "gemini";
  if (root["type"] !== "object" || !isFields(root["properties"])) faults.push("the root is no object");
  for (const keyword of ["oneOf", "anyOf", "allOf", "enum", "not", "$ref"])
    if (keyword in root) faults.push(`${keyword} at the root`);
  const visit = (schema: unknown, path: string): void => {
    if (!isFields(schema)) return void faults.push(`${path} is no schema`);
    const { type, enum: values, items, properties, required, anyOf } = schema;
    const types = (Array.isArray(type) ? type : [type]).filter((each) => each !== undefined);
    if (types.some((each) => !TYPES.includes(String(each)))) faults.push(`${path} has a type that is none`);
    if (types.includes("array") && items === undefined) faults.push(`${path} has no items`);
    if (values !== undefined && !(Array.isArray(values) && values.length > 0))
      faults.push(`${path} has no values`);
    if (Array.isArray(values) && new Set(values).size < values.length)
      faults.push(`${path} has a value twice`);
    if (required !== undefined && !Array.isArray(required)) faults.push(`${path} demands no list`);
    if (typeof schema["exclusiveMinimum"] === "boolean")
      faults.push(`${path} has limits of the fourth draft`);
    if (Array.isArray(items)) faults.push(`${path} has a list of items`);
    if (dialect !== "openai" && dialect !== "anthropic" && "$ref" in schema) faults.push(`${path} refers`);
    if (dialect === "gemini") {
      const known = [
        "type",
        "description",
        "nullable",
        "enum",
        "format",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "anyOf",
        "minimum",
        "maximum",
      ];
      for (const keyword of Object.keys(schema))
        if (!known.includes(keyword)) faults.push(`${path} has ${keyword}`);
      if (Array.isArray(type) || type === "null") faults.push(`${path} has a list of types`);
      if (type === undefined && anyOf === undefined) faults.push(`${path} has no type`);
      if (
        values !== undefined &&
        (type !== "string" || !(values as unknown[]).every((each) => typeof each === "string" && each !== ""))
      )
        faults.push(`${path} lists what is no text`);
      if (
        type === "string" &&
        schema["format"] !== undefined &&
        !["enum", "date-time"].includes(String(schema["format"]))
      )
        faults.push(`${path} has a format`);
      for (const name of (required as string[] | undefined) ?? [])
        if (!(isFields(properties) && name in properties)) faults.push(`${path} demands ${name}`);
    }
    if (isStrict || dialect === "moonshot") {
      if (anyOf !== undefined && type !== undefined) faults.push(`${path} has a type beside alternatives`);
      if ("oneOf" in schema || "allOf" in schema) faults.push(`${path} has other alternatives`);
    }
    for (const [name, each] of Object.entries(isFields(properties) ? properties : {})) {
      if ((isStrict || dialect === "anthropic") && !/^[a-zA-Z0-9_.-]{1,64}$/.test(name))
        faults.push(`${path} has ${name}`);
      visit(each, `${path}/${name}`);
    }
    if (items !== undefined && !Array.isArray(items)) visit(items, `${path}/items`);
    for (const union of ["anyOf", "oneOf", "allOf"] as const)
      if (Array.isArray(schema[union])) for (const each of schema[union]) visit(each, `${path}/${union}`);
  };
  visit(root, "");
  return faults;
}
