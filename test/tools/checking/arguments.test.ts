import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildCatalog, type CatalogTool } from "../../../src/tools/catalog.ts";
import { createArgumentChecker, whyNotValidated } from "../../../src/tools/checking/arguments.ts";
import type { JsonSchema } from "../../../src/tools/tool-source.ts";

const checker = createArgumentChecker();

function toolWith(inputSchema: JsonSchema, name = "tool"): CatalogTool {
  const source = { name, description: "", inputSchema, annotations: {} };
  const catalog = buildCatalog([{ server: "srv", tools: [source] }], { readOnly: [], idempotent: [] });
  const tool = catalog.byId(`srv/${name}`);
  if (tool === undefined) throw new Error("the tool is not in its catalog");
  return tool;
}

function check(schema: JsonSchema, argsText: string | undefined) {
  return checker.check(toolWith(schema), argsText);
}

function faultOf(schema: JsonSchema, args: unknown): string {
  const checked = check(schema, JSON.stringify(args));
  if (checked.ok) throw new Error(`expected a refusal, but passed: ${checked.text.slice(0, 200)}`);
  return checked.message;
}

const issues = {
  type: "object",
  properties: {
    owner: { type: "string" },
    repo: { type: "string" },
    state: { type: "string", enum: ["open", "closed", "all"] },
    per_page: { type: "integer", minimum: 1, maximum: 100 },
  },
  required: ["owner", "repo"],
  additionalProperties: false,
} as const;

test("arguments that fit pass as canonical text, keys in the order received", () => {
  expect(check(issues, ' { "repo" : "r", "per_page": 5, "owner":"o" } ')).toEqual({
    ok: true,
    text: '{"repo":"r","per_page":5,"owner":"o"}',
    value: { repo: "r", per_page: 5, owner: "o" },
    validated: true,
    checkMs: expect.any(Number),
  });
});

test.for([undefined, "", "  "])("no text at all (%j) stands for no arguments", (text) => {
  expect(check({ type: "object" }, text)).toMatchObject({ ok: true, text: "{}" });
});

test("a missing property is named with its type, and so is the one that was meant", () => {
  expect(faultOf(issues, { owner: "o" })).toBe(
    'The arguments of srv.tool are not valid: missing "repo" (string).',
  );
  const loose = { ...issues, additionalProperties: true };
  expect(faultOf(loose, { Owner: "o", repo: "r" })).toContain(
    'missing "owner" (string); "Owner" is not its name',
  );
});

test("an unknown property is named with the one it probably meant", () => {
  expect(faultOf(issues, { owner: "o", repo: "r", perPage: 5 })).toContain(
    'unknown property "perPage" (did you mean "per_page"?).',
  );
  expect(faultOf(issues, { owner: "o", repo: "r", zzz: 5 })).toContain(
    'unknown property "zzz"; known are owner, repo, state, per_page',
  );
});

test("a wrong value is told by its place, what was expected, and what came", () => {
  const fault = faultOf(issues, { owner: 1, repo: { a: 1 }, state: "Open", per_page: 1.5 });
  expect(fault).toBe(
    [
      'The arguments of srv.tool are not valid: owner: expected string, got 1: pass it as text, "1"',
      "repo: expected string, got an object",
      'state: expected "open" or "closed" or "all", got "Open" (did you mean "open"?)',
      "per_page: expected integer, got 1.5.",
    ].join("; "),
  );
});

test("the message ends with one full stop, whatever the validator's sentence ends with", () => {
  const args = { owner: "o", repo: "r" };
  expect(faultOf(issues, { ...args, per_page: 0 })).toMatch(/: per_page: 0 is less than 1\.$/);
  expect(faultOf(issues, { ...args, state: "opn" })).toMatch(/\(did you mean "open"\?\)\.$/);
});

test("a value that is too long to show is cut", () => {
  const fault = faultOf(
    { type: "object", properties: { n: { type: "integer" } } },
    { n: "x".repeat(10_000) },
  );
  expect(fault.length).toBeLessThan(200);
});

test("places are found through references, arrays and awkward keys", () => {
  const schema = {
    type: "object",
    properties: { "a/b c": { type: "array", items: { $ref: "#/$defs/item" } } },
    $defs: { item: { type: "object", properties: { id: { const: "x" } }, required: ["id"] } },
  };
  expect(faultOf(schema, { "a/b c": [{ id: "x" }, { id: "y" }] })).toContain(
    '["a/b c"][1].id: expected "x", got "y"',
  );
  expect(faultOf(schema, { "a/b c": [{}] })).toContain('missing "[\\"a/b c\\"][0].id" ("x")');
});

test("a union of plain values is told as one expectation", () => {
  const schema = { type: "object", properties: { id: { anyOf: [{ type: "string" }, { type: "integer" }] } } };
  expect(faultOf(schema, { id: true })).toContain(
    'id: expected string or integer, got true: pass it as text, "true"',
  );
});

test("of a union of objects every branch is told, the one that nearly fits first, with what it lacks", () => {
  const branch = (kind: string, field: string) => ({
    type: "object",
    properties: { kind: { const: kind }, [field]: { type: "number" } },
    required: ["kind", field],
  });
  const schema = {
    type: "object",
    properties: { shape: { oneOf: [branch("circle", "r"), branch("square", "side")] } },
  };
  expect(faultOf(schema, { shape: { kind: "square" } })).toBe(
    'The arguments of srv.tool are not valid: shape: expected { kind: "square", side: number } (missing "shape.side" (number)) or { kind: "circle", r: number }.',
  );
});

const order = {
  type: "object",
  properties: {
    title: { type: "string", pattern: "^[A-Z]" },
    count: { type: "integer", minimum: 1 },
    paid: { type: "boolean" },
    note: { type: "string", minLength: 3 },
    step: { type: "number", multipleOf: 5 },
    tags: { type: "array", items: { type: "string" }, minItems: 1, uniqueItems: true },
    body: {
      type: "object",
      properties: { title: { type: "string" }, mode: { const: "fast" } },
      required: ["title"],
    },
    items: {
      type: "array",
      items: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
    },
    labels: {
      type: "object",
      propertyNames: { pattern: "^[a-z]+$" },
      additionalProperties: { type: "string" },
    },
    closed: {
      type: "object",
      properties: { a: {} },
      patternProperties: { "^x-": {} },
      additionalProperties: false,
    },
    odd: { not: { type: "string" } },
    one: { oneOf: [{ type: "integer" }, { type: "number", maximum: 10 }, { type: "string" }] },
    target: {
      anyOf: [
        { type: "string", pattern: "^#" },
        { $ref: "#/$defs/user" },
        { type: "array", items: { $ref: "#/$defs/user" } },
      ],
    },
  },
  $defs: {
    user: {
      type: "object",
      properties: { id: { type: "integer" }, nick: { type: "string" } },
      required: ["id"],
    },
  },
} as const;

test.for<[what: string, args: unknown, faults: string]>([
  ["a field of a field", { body: { title: 5 } }, 'body.title: expected string, got 5: pass it as text, "5"'],
  ["a missing field of a field", { body: {} }, 'missing "body.title" (string)'],
  [
    "a field of an element",
    { items: [{ sku: "a" }, {}, { sku: 7 }] },
    'missing "items[1].sku" (string); items[2].sku: expected string, got 7: pass it as text, "7"',
  ],
  ["a pattern", { title: "abc" }, 'title: expected a string that matches /^[A-Z]/, got "abc"'],
  ["a bound", { count: 0 }, "count: 0 is less than 1"],
  ["a length", { note: "ab" }, 'note: expected at least 3 characters, got "ab"'],
  ["a step", { step: 7 }, "step: expected a multiple of 5, got 7"],
  ["a short array", { tags: [] }, "tags: Array has too few items (0 < 1)"],
  ["a constant", { body: { title: "t", mode: "slow" } }, 'body.mode: expected "fast", got "slow"'],
  [
    "a property's name",
    { labels: { Red: "x" } },
    'the name "labels.Red": expected a string that matches /^[a-z]+$/, got "Red"',
  ],
  [
    "a property without a name of its own",
    { labels: { red: 5 } },
    'labels.red: expected string, got 5: pass it as text, "5"',
  ],
  ["a property that is not allowed", { closed: { b: 1 } }, 'unknown property "closed.b" (did you mean "a"?)'],
  [
    "a property that nothing is near to",
    { closed: { other: 1 } },
    'unknown property "closed.other"; known are a, names that match /^x-/',
  ],
  ["what must not be", { odd: "x" }, 'odd: expected anything but string, got "x"'],
  ["null where nothing is needed", { note: null }, "note: expected string, got null: leave it out"],
  ["null where something is needed", { body: { title: null } }, "body.title: expected string, got null"],
  ["null in an array", { tags: ["a", null] }, "tags[1]: expected string, got null"],
  ["text for a number", { count: "12" }, 'count: expected integer, got "12": pass the number 12'],
  ["text for a boolean", { paid: "true" }, 'paid: expected boolean, got "true": pass true without quotes'],
  [
    "JSON text for an object",
    { body: '{"title":"t"}' },
    'body: expected { title: string, mode?: "fast" }, got "{\\"title\\":\\"t\\"}": pass the object itself, not JSON text',
  ],
  [
    "JSON text for an array",
    { tags: '["a"]' },
    'tags: expected string[], got "[\\"a\\"]": pass the array itself, not JSON text',
  ],
  ["one value for an array", { tags: "a" }, 'tags: expected string[], got "a": pass an array, ["a"]'],
  [
    "a value that fits two alternatives",
    { one: 3 },
    "one: it fits 2 of the alternatives, and may fit only one",
  ],
  [
    "a value that fits no alternative",
    { target: 5 },
    'target: expected string that matches /^#/ or { id: integer, nick?: string } or array of { id: integer, nick?: string }, got 5: pass it as text, "5"',
  ],
  [
    "a value that nearly fits one",
    { target: { id: "7" } },
    'target: expected { id: integer, nick?: string } (target.id: expected integer, got "7": pass the number 7) or string that matches /^#/ or array of { id: integer, nick?: string }',
  ],
  [
    "many faults",
    { title: 1, count: "x", paid: 0, note: 5, step: "a", tags: 1, body: 2 },
    'title: expected string that matches /^[A-Z]/, got 1: pass it as text, "1"; count: expected integer, got "x"; paid: expected boolean, got 0; note: expected string, got 5: pass it as text, "5"; step: expected number, got "a" (and 2 more)',
  ],
])("%s is told with its path and what to do", ([, args, faults]) => {
  expect(faultOf(order, args)).toBe(`The arguments of srv.tool are not valid: ${faults}.`);
});

test("several missing properties are told as one fault, each with its type", () => {
  expect(faultOf(issues, {})).toBe(
    'The arguments of srv.tool are not valid: missing "owner" (string), "repo" (string).',
  );
});

test("JSON text in place of all arguments is told to be the object itself, and a plain value by the names it lacks", () => {
  expect(checker.check(toolWith(issues), JSON.stringify('{"owner":"o"}'))).toMatchObject({
    message: "The arguments of srv.tool are not valid: pass the object itself, not JSON text.",
  });
  expect(checker.check(toolWith(issues), '"o"')).toMatchObject({
    message:
      "The arguments of srv.tool are not valid: expected one object of named arguments ({ owner, repo, state?, per_page? }), got a string.",
  });
});

test("a message names the tool as its reader calls it", () => {
  const named = (spelling: "program" | "function") =>
    checker.check(toolWith(issues, "get-user.profile"), "{}", spelling);
  expect(named("program")).toMatchObject({ message: expect.stringContaining("of srv.get_user_profile are") });
  expect(named("function")).toMatchObject({
    message: expect.stringMatching(/of srv__get_user_profile_[0-9a-f]{8} are/),
  });
});

test("a required property with a default is filled in, in nested objects and arrays too", () => {
  const limits = {
    type: "object",
    properties: { max: { type: "integer", default: 10 }, note: { type: "string", default: "-" } },
    required: ["max"],
  };
  const schema = {
    type: "object",
    properties: {
      limits,
      list: { type: "array", items: { $ref: "#/$defs/limits" } },
      mode: { default: "fast" },
    },
    required: ["limits", "mode"],
    $defs: { limits },
  };
  expect(check(schema, '{"list":[{},{"max":1}],"limits":{}}')).toMatchObject({
    ok: true,
    text: '{"list":[{"max":10},{"max":1}],"limits":{"max":10},"mode":"fast"}',
  });
});

test("a tool given in code gets all its defaults, so that people see what it will work with", () => {
  const inputSchema = { type: "object", properties: { times: { type: "integer", default: 1 } } };
  const source = { name: "save", description: "", inputSchema, annotations: {}, needsApproval: true };
  const catalog = buildCatalog([{ server: "local", tools: [source] }], { readOnly: [], idempotent: [] });
  expect(catalog.tools.map((tool) => checker.check(tool, "{}"))).toMatchObject([{ text: '{"times":1}' }]);
});

test("a default that does not fit its own schema is not filled in", () => {
  const schema = {
    type: "object",
    properties: { n: { type: "integer", default: "ten" } },
    required: ["n"],
  };
  expect(faultOf(schema, {})).toContain('missing "n" (integer)');
});

test("filling in a default leaves the schema's own value alone", () => {
  const schema = { type: "object", properties: { tags: { type: "array", default: [] } }, required: ["tags"] };
  const tool = toolWith(schema);
  const first = checker.check(tool, "{}");
  if (first.ok && Array.isArray(first.value["tags"])) first.value["tags"].push("mine");
  expect(checker.check(tool, "{}")).toMatchObject({ text: '{"tags":[]}' });
});

test.for([
  ["[1]", "got an array"],
  ["5", "got a number"],
  ['"x"', "got a string"],
  ["null", "got null"],
  ['{"a":', "they are not JSON"],
  ['{"a":1e999}', "a number that is out of range"],
] as const)("%s is refused: %s", ([text, fault]) => {
  const checked = check(true, text);
  expect(checked).toMatchObject({ ok: false, message: expect.stringContaining(fault) });
});

test("keys named __proto__ are dropped at every level before anything sees them", () => {
  const checked = check(
    { type: "object" },
    '{"a":{"\\u005f_proto__":{"x":1},"b":[{"__proto__":1}]},"__proto__":{"y":2}}',
  );
  expect(checked).toMatchObject({ ok: true, text: '{"a":{"b":[{}]}}' });
});

test("values are nested at most 200 levels deep", () => {
  const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  expect(check(true, nested(200))).toMatchObject({ ok: true });
  expect(check(true, nested(201))).toMatchObject({ ok: false, message: expect.stringContaining("nested") });
  expect(check(true, nested(500_000))).toMatchObject({
    ok: false,
    message: expect.stringContaining("nested"),
  });
});

test("text beyond every ceiling is refused before it is parsed", () => {
  const text = `{"a":"${"x".repeat(16 * 1024 * 1024)}"}`;
  expect(check(true, text)).toMatchObject({ ok: false, message: expect.stringContaining("larger than") });
});

test.for([
  ["a reference into another document", { $ref: "https://example.com/schema.json" }],
  ["a reference that leads nowhere", { properties: { a: { $ref: "#/$defs/none" } } }],
  ["references that only lead to each other", { $ref: "#" }],
  ["a pattern that is no regular expression", { properties: { a: { type: "string", pattern: "(" } } }],
  ["a keyword of the wrong type", { properties: { a: { required: true, enum: "x" } } }],
] as const)("a schema with %s lets arguments pass, and says that nothing was validated", ([, schema]) => {
  expect(check(schema, '{"a":"x"}')).toEqual({
    ok: true,
    text: '{"a":"x"}',
    value: { a: "x" },
    validated: false,
    reason: expect.any(String),
    checkMs: expect.any(Number),
  });
});

const property = (a: unknown): JsonSchema => ({ type: "object", properties: { a } as JsonSchema });

test.for(
  [
    [
      "int",
      "any",
      "str",
      "float",
      "dict",
      "list",
      "object | null",
      "String",
      "",
      null,
      {},
      [],
      ["string", "any"],
    ],
  ]
    .flat()
    .map((type) => [JSON.stringify(type), type] as const),
)("a type named %s makes the tool not validated, with the reason", ([, type]) => {
  for (const schema of [property({ type }), property({ anyOf: [{ type }] }), property({ items: { type } })])
    for (const a of [1, "x", null, { b: [] }])
      expect(check(schema, JSON.stringify({ a }))).toMatchObject({
        ok: true,
        validated: false,
        value: { a },
        reason: expect.stringMatching(/^\/properties\/a\/.*type must be one of object, array, /),
      });
});

test.for([
  { exclusiveMinimum: true },
  { required: true },
  { required: "x" },
  { required: [1] },
  { items: [{ type: "string" }] },
  { properties: [] },
  { properties: { b: "string" } },
  { enum: "x" },
  { enum: { x: 1 } },
  { minimum: "0" },
  { minLength: -1 },
  { maxItems: 1.5 },
  { pattern: null },
  { uniqueItems: "yes" },
  { additionalProperties: "no" },
  { anyOf: { type: "string" } },
  { allOf: ["string"] },
  { not: "string" },
  { $ref: 1 },
  { dependentRequired: { a: "b" } },
])("%j is no schema: the tool is not validated, with the reason, and never refused", (fault) => {
  const [keyword] = Object.keys(fault);
  for (const a of [0, "x", null, ["x", 1], { b: 1 }])
    expect(check(property(fault), JSON.stringify({ a }))).toMatchObject({
      ok: true,
      validated: false,
      reason: expect.stringContaining(`/properties/a/${keyword}`),
    });
});

test("what only looks like a keyword is none", () => {
  const schema = {
    type: "object",
    properties: {
      type: { type: "string" },
      required: { type: "boolean" },
      nullable: true,
      format: { enum: ["a"] },
    },
    examples: [{ type: "int" }],
    default: { type: "int", required: true },
    "x-type": "int",
  };
  const args = { type: "int", required: true, nullable: 1, format: "a" };
  expect(check(schema, JSON.stringify(args))).toMatchObject({ ok: true, validated: true, value: args });
  expect(faultOf(schema, { format: "b" })).toContain('format: expected "a"');
});

test.for([
  { type: "string" },
  { type: ["string", "integer"] },
  { enum: ["a", "b"] },
  { type: "string", enum: ["a", "b"] },
  { const: "a" },
  { $ref: "#/$defs/name" },
  { allOf: [{ type: "string" }, { minLength: 1 }] },
  { anyOf: [{ type: "string" }, { type: "integer" }] },
  { oneOf: [{ const: "a" }, { const: "c" }] },
  { not: { type: ["null", "number"] } },
  { if: false, else: { type: "string" } },
  { type: "string", minLength: 1, pattern: "^a" },
])("nullable adds null to %j, and nothing else", (declared) => {
  const schema = {
    ...Object(property({ ...declared, nullable: true })),
    $defs: { name: { type: "string" } },
  };
  for (const dialect of [{}, { $schema: "http://json-schema.org/draft-07/schema#" }]) {
    expect(check({ ...schema, ...dialect }, '{"a":null}')).toMatchObject({ ok: true, validated: true });
    expect(check({ ...schema, ...dialect }, '{"a":"a"}')).toMatchObject({ ok: true, validated: true });
    expect(faultOf({ ...schema, ...dialect }, { a: 1.5 })).toContain(" a: ");
  }
  const strict = { ...schema, properties: { a: { ...declared, nullable: false } } };
  expect(faultOf(strict, { a: null })).toContain(" a: ");
});

test("defaults within what may be null are filled in", () => {
  const page = { type: "object", properties: { size: { type: "integer", default: 10 } }, required: ["size"] };
  for (const a of [
    { ...page, nullable: true },
    { $ref: "#/$defs/page", nullable: true },
    { anyOf: [{ $ref: "#/$defs/page" }, { type: "null" }] },
  ])
    expect(check({ ...Object(property(a)), $defs: { page } }, '{"a":{}}')).toMatchObject({
      text: '{"a":{"size":10}}',
    });
});

test.for([
  ["date", "tomorrow"],
  ["date-time", "2024-01-01"],
  ["email", "nobody"],
  ["uri", "not a uri"],
  ["uuid", "1"],
  ["ipv4", "localhost"],
  ["regex", "("],
  ["duration", "1h"],
])("a format is an annotation: %s lets %j through", ([format, a]) => {
  for (const schema of [
    property({ type: "string", format }),
    property({ anyOf: [{ type: "string", format }, { type: "null" }] }),
  ])
    expect(check(schema, JSON.stringify({ a }))).toMatchObject({ ok: true, validated: true });
});

test.for([
  [{ type: "integer" }, "number"],
  [{ type: "number" }, "number"],
  [{ type: ["integer", "null"] }, "number"],
  [{ $ref: "#/$defs/id" }, "number"],
  [{ allOf: [{ $ref: "#/$defs/id" }, { minimum: 0 }] }, "number"],
  [{ anyOf: [{ type: "integer" }, { enum: ["all"] }] }, "number"],
  [{ oneOf: [{ type: "integer" }, { type: "null" }] }, "number"],
  [{ type: "integer", nullable: true }, "number"],
  [{ type: "string" }, "text"],
  [{ type: ["integer", "string"] }, "text"],
  [{ anyOf: [{ type: "integer" }, { type: "string", pattern: "^\\d+$" }] }, "text"],
  [{}, "text"],
  [true, "text"],
] as const)("digits for %j are a %s", ([id, kind]) => {
  const digits = "9007199254740993";
  const schema = {
    type: "object",
    properties: {
      id,
      list: { type: "array", items: id },
      pair: { prefixItems: [{ type: "string" }, id] },
      inner: { type: "object", properties: { id } },
      map: { type: "object", additionalProperties: id },
    },
    patternProperties: { "^id_": id },
    $defs: { id: { type: "integer" } },
  };
  const args = (value: string): string =>
    `{"id":${value},"list":[${value}],"pair":["${digits}",${value}],"inner":{"id":${value}},"map":{"x":${value}},"id_1":${value}}`;
  const text = args(`"${digits}"`);
  expect(check(schema, text)).toMatchObject({ ok: true, text: kind === "text" ? text : args(digits) });
});

test.for(["9007199254740991", "9007199254740992", "09007199254740993", "9007199254740993.5", "1e400", "x"])(
  "%j is no number that a program could not hold: it is refused as the string that it is",
  (text) => {
    expect(faultOf(property({ type: "integer" }), { a: text })).toContain(`expected integer, got "${text}"`);
  },
);

test("a long integer is judged as one, and told with its digits", () => {
  expect(check(property({ type: "integer" }), '{"a":9007199254740993}')).toMatchObject({
    text: '{"a":9007199254740993}',
    validated: true,
  });
  const told = check(property({ type: "string" }), '{"a":9007199254740993}');
  expect(told).toMatchObject({
    message: expect.stringContaining(" a: expected string, got 9007199254740993"),
  });
  expect(check(property({ maximum: 100 }), '{"a":9007199254740993}')).toMatchObject({ ok: false });
  expect(check(true, "9007199254740993")).toMatchObject({ message: expect.stringContaining("got a number") });
});

const manyAs = `${"a".repeat(40)}!`;

test.for([
  ["^(a+)+$", manyAs],
  ["^(a|aa)+$", manyAs],
  ["(a*)*b", manyAs],
  ["(.*a){25}$", manyAs],
  ["^(\\w+\\s?)*$", manyAs],
  ["\\d+-\\d+-\\d+x", `${"1".repeat(5_000)}-`],
] as const)("the pattern %s refuses what does not match, in no time", ([pattern, a]) => {
  check(property({ pattern }), '{"a":""}');
  const startedAt = process.threadCpuUsage();
  expect(faultOf(property({ pattern }), { a })).toContain(`a string that matches /${pattern}/`);
  expect(faultOf(property({ propertyNames: { pattern } }), { a: { [a]: 1 } })).toContain(
    "a string that matches",
  );
  const named = property({ patternProperties: { [pattern]: false }, additionalProperties: false });
  expect(faultOf(named, { a: { [a]: 1 } })).toContain("unknown property");
  expect(process.threadCpuUsage(startedAt).user / 1_000).toBeLessThan(200);
});

test.for([
  ["^[a-z]+$", "abc", "ab1"],
  ["^.{1,2000}$", "x".repeat(2_000), "x".repeat(2_001)],
  ["^\\p{Letter}+$", "é", "1"],
  ["^(\\p{Script=Greek}|\\p{Lu})+$", "αB", "b"],
  ["^(a\\sb)+$", "a\u00a0b", "a-b"],
  ["^(.|\\n)$", "😀", "\r"],
  ["^(\\u0041|\\u{1F600}|\\ud83d\\ude01)$", "😁", "B"],
  ["^(x|[^])$", "\n", ""],
  ["(^|-)[\\b\\cA[\\s]$", "\u3000", "b"],
  ["^(?<year>\\d{4})-(?:0[1-9]|1[0-2])$", "2024-12", "2024-13"],
  ["^((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}$|^(?:\\d+)$", "12", undefined],
  ["^([\\w.+-]+)@([\\w-]+\\.)+[\\w]{2,}$", "a.b+c@mail.example.org", "a@b"],
] as const)("the pattern %s means what it means in JavaScript", ([pattern, fits, doesNot]) => {
  expect(check(property({ pattern }), JSON.stringify({ a: fits }))).toMatchObject({ ok: true });
  if (doesNot !== undefined) expect(faultOf(property({ pattern }), { a: doesNot })).toContain("matches");
});

test.for([
  ["lookaround", "^(?=a)\\w+$"],
  ["lookaround", "(?<!b)a"],
  ["a back reference", "^(a)\\1$"],
  ["more than a linear engine takes", "((x{100}){100}){100}"],
] as const)(
  "a pattern with %s is not validated, which is said, and the rest of its schema is: %s",
  ([why, pattern]) => {
    for (const a of [
      { pattern },
      { propertyNames: { pattern } },
      { patternProperties: { [pattern]: false } },
    ]) {
      const schema = { ...Object(property(a)), required: ["a"] };
      for (const value of ["zz", { zz: 1 }])
        expect(check(schema, JSON.stringify({ a: value }))).toMatchObject({
          ok: true,
          validated: false,
          reason: expect.stringMatching(new RegExp(`^the pattern at /properties/a/\\S+: .*${why}`)),
        });
      expect(faultOf(schema, {})).toContain('missing "a"');
      expect(whyNotValidated(toolWith(schema))).toContain(why);
    }
  },
);

const manyKeys = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`key${at}`, at]));
const halves = (depth: number): JsonSchema =>
  depth === 0 ? { type: "string" } : { anyOf: [halves(depth - 1), { allOf: [halves(depth - 1)] }] };

test.for([
  ["uniqueItems", { uniqueItems: true }, Array.from({ length: 60_000 }, (_, at) => at)],
  [
    "uniqueItems of objects",
    { uniqueItems: true },
    Array.from({ length: 5_000 }, (_, at) => ({ at, b: {} })),
  ],
  [
    "contains",
    { contains: { contains: { const: 1 } } },
    Array.from({ length: 900 }, () => Array(900).fill(0)),
  ],
  [
    "a huge enum",
    { items: { enum: Array.from({ length: 20_000 }, (_, at) => `v${at}`) } },
    Array(900).fill("v"),
  ],
  ["nested alternatives", halves(14), 1],
  ["recursion", { $ref: "#/$defs/t" }, JSON.parse("[".repeat(25) + "]".repeat(25))],
  ["required names", { items: { required: Object.keys(manyKeys).slice(0, 20_000) } }, Array(500).fill({})],
  [
    "additional properties",
    { additionalProperties: { anyOf: [{ type: "string" }, { type: "object" }] } },
    manyKeys,
  ],
  ["many faults", { items: { type: "string" } }, Array(300_000).fill(1)],
] as const)(
  "a check of %s ends within its budget: it is refused, or passed on as not validated",
  ([, a, value]) => {
    const t = {
      items: { anyOf: [{ $ref: "#/$defs/t" }, { allOf: [{ $ref: "#/$defs/t" }] }] },
      maxItems: 1,
      not: {},
    };
    const tool = toolWith({ ...Object(property(a)), $defs: { t } });
    const text = JSON.stringify({ a: value });
    checker.check(tool, "{}");
    const startedAt = process.threadCpuUsage();
    const checked = checker.check(tool, text);
    // Reading the arguments as JSON and writing them is no part of the budget.
    expect(process.threadCpuUsage(startedAt).user / 1_000).toBeLessThan(1_000);
    if (checked.ok) expect(checked).toMatchObject({ validated: false, reason: expect.any(String) });
  },
);

test("values of honest size are validated beside costly keywords", () => {
  const schema = property({ type: "array", uniqueItems: true, items: { pattern: "^(a|b)+$" } });
  expect(check(schema, '{"a":["a","b","ab"]}')).toMatchObject({ ok: true, validated: true });
  expect(faultOf(schema, { a: ["a", "a"] })).toContain("a: ");
});

test("a key that cannot be written as an address is refused, not let through unchecked", () => {
  const schema = { type: "object", additionalProperties: { type: "string" } };
  expect(check(schema, '{"\\ud800":1}')).toMatchObject({ ok: false });
});

test("the dialect is the schema's own: a tuple of draft 7 is one, and draft 4 has boolean bounds", () => {
  const draft7 = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { a: { items: [{ type: "string" }, { type: "number" }] } },
  };
  expect(faultOf(draft7, { a: ["x", "y"] })).toContain("a[1]: expected number");
  const draft4 = {
    $schema: "http://json-schema.org/draft-04/schema#",
    type: "object",
    properties: { n: { type: "number", minimum: 0, exclusiveMinimum: true } },
  };
  expect(faultOf(draft4, { n: 0 })).toContain(": n: ");
});

const cases = process.env["TOOL_USE_CASES"];

function readRows<T>(file: string): readonly T[] {
  const text = readFileSync(join(cases ?? "", file), "utf8").trim();
  return text.split("\n").map((line) => JSON.parse(line));
}

test.skipIf(cases === undefined)("every right call of the tool-use cases is accepted", () => {
  interface Row {
    readonly id: string;
    readonly tools: readonly { readonly name: string; readonly inputSchema: JsonSchema }[];
    readonly calls: readonly { readonly tool: string; readonly arguments: unknown }[];
  }
  const refused: string[] = [];
  let accepted = 0;
  for (const { id, tools, calls } of readRows<Row>("single-turn.jsonl")) {
    const schemas = new Map(tools.map(({ name, inputSchema }) => [name, inputSchema]));
    for (const call of calls) {
      const checked = check(schemas.get(call.tool) ?? false, JSON.stringify(call.arguments));
      if (checked.ok && checked.validated) accepted += 1;
      else refused.push(id);
    }
  }
  expect(refused).toEqual([]);
  expect(accepted).toBe(978);
});

test.skipIf(cases === undefined)("every wrong call of the tool-use cases is refused", () => {
  interface Row {
    readonly id: string;
    readonly tool: { readonly inputSchema: JsonSchema };
    readonly arguments: unknown;
    readonly violates: string;
  }
  const rows = readRows<Row>("negative.jsonl");
  const messages = rows.map((row) => {
    const checked = check(row.tool.inputSchema, JSON.stringify(row.arguments));
    return checked.ok
      ? `accepted ${row.id}`
      : checked.message.includes(row.violates) || `not named: ${row.id}`;
  });
  expect(messages.filter((message) => message !== true)).toEqual([]);
  expect(rows).toHaveLength(264);
});
