import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaType } from "../../../src/code/declare/json-schema-to-ts.ts";
import { parseProgram } from "../../../src/code/syntax/parse.ts";

const input = (schema: unknown): string => schemaType(schema, "input").text;
const output = (schema: unknown): string => schemaType(schema, "output").text;
const object = (properties: object, rest: object = {}): object => ({ type: "object", properties, ...rest });

/** The named types written out as a program would see them. */
function definitions(schema: unknown): string {
  const { text, named } = schemaType(schema, "input");
  const fill = (raw: string): string =>
    raw.replace(/\0(\d+)\0/g, (_, index) => named[Number(index)]?.name ?? "");
  return [`args: ${fill(text)}`, ...named.map(({ name, text: raw }) => `${name} = ${fill(raw)}`)].join("\n");
}

describe("a JSON Schema becomes a type", () => {
  it.each<[claim: string, schema: unknown, type: string]>([
    ["a missing type is any value", { description: "x" }, "unknown"],
    ["an empty schema is any value", {}, "unknown"],
    ["true is any value", true, "unknown"],
    ["false is no value", false, "never"],
    ["what is no schema is any value", [1, "a", null], "unknown"],
    ["an unknown type name is any value", { type: "dict" }, "unknown"],
    ["an integer is a number", { type: "integer" }, "number"],
    ["several types are a union", { type: ["string", "integer", "null"] }, "string | number | null"],
    ["a constant is a literal", { const: 'a"b' }, '"a\\"b"'],
    ["a constant may be an object", { const: { a: [1, null] } }, "{ a: [1, null] }"],
    ["an enum is a union of literals", { enum: ["a", 1, true, null] }, '"a" | 1 | true | null'],
    ["an enum keeps the values of its type", { type: "string", enum: ["a", 1] }, '"a"'],
    ["an enum whose type contradicts it is kept", { type: "string", enum: [1, 2] }, "1 | 2"],
    ["an array has items", { type: "array", items: { type: "string" } }, "string[]"],
    ["an array without items holds any value", { type: "array" }, "unknown[]"],
    [
      "a union in an array is parenthesised",
      { type: "array", items: { type: ["string", "number"] } },
      "(string | number)[]",
    ],
    [
      "an intersection in an array is parenthesised",
      { type: "array", items: { allOf: [{ type: "string" }, { enum: ["a", "b"] }] } },
      '(string & ("a" | "b"))[]',
    ],
    [
      "prefixItems are a tuple",
      { type: "array", prefixItems: [{ type: "string" }, { type: "number" }], minItems: 2, items: false },
      "[string, number]",
    ],
    [
      "items in an array are a tuple",
      { type: "array", items: [{ type: "string" }], minItems: 1, additionalItems: { type: "number" } },
      "[string, ...number[]]",
    ],
    [
      "a tuple may be shorter than its items",
      { prefixItems: [{ type: ["string", "null"] }] },
      "[(string | null)?, ...unknown[]]",
    ],
    [
      "additionalProperties are a record",
      { type: "object", additionalProperties: { type: "number" } },
      "Record<string, number>",
    ],
    [
      "closed patternProperties are a record",
      {
        type: "object",
        patternProperties: { "^a": { type: "number" }, "^b": { type: "string" } },
        additionalProperties: false,
      },
      "Record<string, number | string>",
    ],
    [
      "a pattern for every name is a record",
      { type: "object", patternProperties: { ".*": { type: "number" } } },
      "Record<string, number>",
    ],
    [
      "open patternProperties leave the rest open",
      { type: "object", patternProperties: { "^a": { type: "number" } } },
      "Record<string, unknown>",
    ],
    ["nullable adds null", { type: "string", nullable: true }, "string | null"],
    ["not everything is nothing", { type: "string", not: {} }, "never"],
    ["another not is left to validation", { type: "string", not: { enum: ["a"] } }, "string"],
    ["anyOf is a union", { anyOf: [{ type: "string" }, { type: "number" }] }, "string | number"],
    ["oneOf is a union", { oneOf: [{ const: 1 }, { const: 2 }, { const: 1 }] }, "1 | 2"],
    ["a union with an open member is open", { anyOf: [{ type: "string" }, {}] }, "unknown"],
    [
      "allOf is an intersection",
      { allOf: [object({ a: { type: "string" } }), object({ b: {} })] },
      "{ a?: string } & { b?: unknown }",
    ],
    [
      "branches that only require something are left to validation",
      { ...object({ a: { type: "string" } }), anyOf: [{ required: ["a"] }] },
      "{ a?: string }",
    ],
    [
      "a property not required is optional",
      object({ a: { type: "string" }, b: {} }, { required: ["a"] }),
      "{ a: string; b?: unknown }",
    ],
    ["properties without a type are an object", { properties: { a: { type: "string" } } }, "{ a?: string }"],
    [
      "a required property need not be described",
      object({}, { required: ["a"], additionalProperties: false }),
      "{ a: unknown }",
    ],
    [
      "names that are not identifiers are quoted",
      object({ "a-b": {}, "1": {}, "": {}, 'q"': {} }),
      '{ "1"?: unknown; "a-b"?: unknown; ""?: unknown; "q\\""?: unknown }',
    ],
    [
      "a property may be called __proto__",
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'),
      "{ __proto__?: string }",
    ],
    ["an inherited keyword is none", Object.create({ type: "string" }), "unknown"],
  ])("%s", (_claim, schema, type) => {
    expect(input(schema)).toBe(type);
  });

  it("makes a required property with a default optional to write, whatever the default's type", () => {
    const schema = object({ n: { type: "integer", default: "five" } }, { required: ["n"] });
    expect(input(schema)).toBe("{\n  /** @integer @default five */\n  n?: number;\n}");
    expect(output(schema)).toContain("n: number;");
  });

  it("opens objects to unknown properties only where the schema invites them, or where they are read", () => {
    const properties = { a: { type: "string" } };
    expect(input(object(properties))).toBe("{ a?: string }");
    expect(input(object(properties, { additionalProperties: true }))).toBe(
      "{ a?: string; [key: string]: unknown }",
    );
    expect(input(object(properties, { additionalProperties: { type: "number" } }))).toBe(
      "{ a?: string; [key: string]: unknown }",
    );
    expect(output(object(properties))).toBe("{ a?: string; [key: string]: any }");
    expect(output(object(properties, { additionalProperties: false }))).toBe("{ a?: string }");
    expect(output({})).toBe("any");
  });
});

describe("references become named types", () => {
  it("for recursion through a property, an item and the whole schema", () => {
    const schema = object(
      { node: { $ref: "#/$defs/Node" } },
      {
        $defs: {
          Node: object({ children: { type: "array", items: { $ref: "#/$defs/Node" } }, top: { $ref: "#" } }),
        },
      },
    );
    expect(definitions(schema)).toBe(
      ["args: Root", "Node = { children?: Node[]; top?: Root }", "Root = { node?: Node }"].join("\n"),
    );
  });

  it.each<[place: string, ref: string, extra: object]>([
    [
      "a property's path",
      "#/properties/a/items",
      { properties: { a: { type: "array", items: { type: "string" } } } },
    ],
    ["draft-07 definitions", "#/definitions/S", { definitions: { S: { type: "string" } } }],
    ["an escaped and encoded pointer", "#/$defs/x~1y%20z", { $defs: { "x/y z": { type: "string" } } }],
    ["an anchor", "#here", { $defs: { s: { $anchor: "here", type: "string" } } }],
    ["an id inside the document", "urn:s", { $defs: { s: { $id: "urn:s", type: "string" } } }],
  ])("into %s", (_place, ref, extra) => {
    const { named } = schemaType({ ...extra, allOf: [{ $ref: ref }] }, "input");
    expect(named.map(({ text }) => text)).toEqual(["string"]);
  });

  it.each([
    "#/$defs/missing",
    "https://example.com/s.json",
    "file:///etc/passwd",
    "#/constructor",
    7,
    "#nowhere",
  ])("but %s leads nowhere and is any value", (ref) => {
    expect(schemaType({ $ref: ref, $defs: {} }, "input")).toMatchObject({ text: "unknown", named: [] });
  });

  it("and a definition that is only itself adds nothing", () => {
    const $defs = {
      A: { $ref: "#/$defs/B" },
      B: { anyOf: [{ $ref: "#/$defs/A" }, { type: "null" }] },
      C: { $ref: "#/$defs/C" },
      R: { type: "object", additionalProperties: { $ref: "#/$defs/R" } },
    };
    const properties = Object.fromEntries(
      Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]),
    );
    expect(definitions(object(properties, { $defs })).split("\n").slice(1)).toEqual([
      "A = B",
      "B = null",
      "C = unknown",
      "R = { [key: string]: R }",
    ]);
  });
});

describe("what a server writes into a schema stays harmless", () => {
  it("a description cannot end its comment, break its line or fill the page", () => {
    const description = `ends */ here\n\u2028and goes on ${"x".repeat(50_000)}`;
    const text = input(object({ a: { description } }));
    expect(text.match(/\*\//g)).toHaveLength(1);
    expect(text.split("\n")).toHaveLength(4);
    expect(text).toContain("ends *\\/ here and goes on xxx");
    expect(text.length).toBeLessThan(300);
  });

  it("constraints are told as tags", () => {
    const schema = {
      type: "string",
      format: "email",
      pattern: "^a+$",
      minLength: 1,
      maxLength: 9,
      default: "a",
    };
    expect(input(object({ a: schema }))).toContain(
      '/** @format email @pattern "^a+$" @minLength 1 @maxLength 9 @default a */',
    );
  });

  it("a deep schema is cut, and says so", () => {
    let schema: object = { type: "string" };
    for (let depth = 0; depth < 500; depth += 1) schema = object({ a: schema });
    expect(input(schema)).toContain("unknown /* cut: the schema is too large */");
  });

  it("a wide schema is cut, and says so", () => {
    const wide = object(
      Object.fromEntries(
        Array.from({ length: 200 }, (_, at) => [
          `p${at}`,
          object(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`q${n}`, { type: "string" }]))),
        ]),
      ),
    );
    expect(input(wide)).toContain("unknown /* cut: the schema is too large */");
    expect(input(wide).length).toBeLessThan(100_000);
  });

  it("an enum or union too long to be of use gives its kinds only", () => {
    const values = Array.from({ length: 1000 }, (_, at) => `v${at}`);
    expect(input({ enum: values })).toBe("string /* one of 1000 values */");
    expect(input({ anyOf: values.map((value) => ({ const: value })) })).toMatch(
      /^unknown \/\* one of \d+ types \*\/$/,
    );
  });

  it("any JSON at all gives a type that parses, the same each time", () => {
    const keyword = fc.constantFrom(
      ...[
        "type",
        "properties",
        "items",
        "prefixItems",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "enum",
        "const",
        "$ref",
      ],
      ...[
        "required",
        "additionalProperties",
        "patternProperties",
        "description",
        "default",
        "format",
        "$defs",
      ],
      ...["nullable", "minItems", "maxItems", "__proto__", "constructor", "a b"],
    );
    const schemas = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue(),
        fc.constantFrom("object", "array", "string", "null", "#", "#/$defs/a", "#/properties/a", "*/"),
        fc.array(tie("node"), { maxLength: 3 }),
        fc
          .array(fc.tuple(keyword, tie("node")), { maxLength: 4 })
          .map((entries) => Object.fromEntries(entries)),
      ),
    })).node;
    fc.assert(
      fc.property(schemas, fc.constantFrom("input" as const, "output" as const), (schema, side) => {
        const type = schemaType(schema, side);
        const text = [...type.named.map((named) => named.text), type.text].map(
          (body, at) => `type T${at} = ${body};`,
        );
        const source = text.join("\n").replace(/\0(\d+)\0/g, "T$1");
        expect(parseProgram(source), source).toMatchObject({ ok: true });
        expect(schemaType(JSON.parse(JSON.stringify(schema) ?? "null"), side)).toEqual(type);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
