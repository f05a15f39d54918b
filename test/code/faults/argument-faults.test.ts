/** Arguments that do not fit, as the check tells them: where, what was expected, what came, and what to write. */
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import { declare, said, useCompiler } from "../helpers/checked.ts";
import { source } from "../helpers/tools.ts";

const text = { type: "string" } as const;
const input = {
  type: "object",
  properties: {
    id: text,
    count: { type: "integer" },
    note: text,
    tags: { type: "array", items: text },
    body: {
      type: "object",
      properties: { title: text, mode: { enum: ["fast", "slow"] }, at: text },
      required: ["title"],
      additionalProperties: false,
    },
    items: {
      type: "array",
      items: { type: "object", properties: { sku: text }, required: ["sku"], additionalProperties: false },
    },
  },
  required: ["id"],
  additionalProperties: false,
} as const;
const { tools } = buildCatalog([{ server: "shop", tools: [source("order", input)] }], {
  readOnly: [],
  idempotent: [],
});
const types = declare(renderDeclarations(tools));
const compile = useCompiler();
const check = (code: string) =>
  compile({
    ...{ code, sourceBytes: 65_536, globals: ["shop", "tools", "input"] },
    check: { mode: "error", declarations: types },
  });

describe("an argument that does not fit is refused with its place and what to write", () => {
  it.each<[args: string, message: string]>([
    ["{ id: 5 }", 'shop.order: "id" must be string, not number. Write "5".'],
    ["{ id: 'a', count: '7' }", 'shop.order: "count" must be number, not string. Write 7 without quotes.'],
    ["{ id: 'a', count: new Date() }", 'shop.order: "count" must be number, not Date. Write .getTime().'],
    ["{ id: 'a', note: null }", 'shop.order: "note" must be string, not null: leave it out.'],
    ["{ id: null }", 'shop.order: "id" must be string, not null.'],
    ["{ id: 'a', tags: 'x' }", "shop.order: \"tags\" must be string[], not string. Write ['x']."],
    ["{ id: 'a', tags: ['x', 5] }", 'shop.order: "tags[1]" must be string, not number. Write "5".'],
    ["{ id: 'a', body: { title: 5 } }", 'shop.order: "body.title" must be string, not number. Write "5".'],
    ["{ id: 'a', body: { mode: 'fast' } }", 'shop.order needs "body.title".'],
    ["{ id: 'a', body: { title: 't', mod: 'fast' } }", 'shop.order takes no "body.mod"; did you mean mode?'],
    [
      "{ id: 'a', items: [{ sku: 's' }, { sku: 1 }] }",
      'shop.order: "items[1].sku" must be string, not number. Write "1".',
    ],
    [
      "{ id: 'a', body: JSON.stringify({ title: 't' }) }",
      'shop.order: "body" must be an object, not string. Pass the object itself, not JSON text.',
    ],
    ["JSON.stringify({ id: 'a' })", "shop.order takes one object. Pass the object itself, not JSON text."],
    ['\'{"id":"a"}\'', "shop.order takes one object. Pass the object itself, not JSON text."],
    ["'a'", "shop.order takes one object, not string: shop.order({ … })."],
    ["'a', 2", "shop.order takes one object: shop.order({ id })."],
    [
      "{ id: 5, count: 'x', nots: 'n' }",
      'shop.order: "id" must be string, not number. Write "5"; "count" must be number, not string. Write Number(…); takes no "nots"; did you mean note?',
    ],
    [
      "{ count: 'x' }",
      'shop.order: "count" must be number, not string. Write Number(…); needs "id" (string).',
    ],
    ["{ Id: 'a' }", 'shop.order takes no "Id"; did you mean id?'],
  ])("%s", async (args, message) => {
    expect(await check(`return await shop.order(${args})`)).toMatchObject({
      ...{ ok: false, code: "type_error", message },
      hint: expect.stringMatching(/^shop\.order\(args: /),
    });
  });

  it("and all the faults of a call on several lines are told at the first", async () => {
    const outcome = await check("return await shop.order({\n  id: 5,\n  count: 'x',\n  tags: [1],\n})");
    expect(outcome).toMatchObject({ line: 2, message: expect.stringMatching(/"id".*"count".*"tags\[0\]"/) });
  });
});

describe("a value that JSON writes as what is wanted is no fault", () => {
  it.each([
    "shop.order({ id: new Date() })",
    "shop.order({ id: 'a', body: { title: 't', at: new Date(0) } })",
    "shop.order({ id: 'a', tags: [new Date()] })",
    "Promise.all([new Date()].map((at) => shop.order({ id: at })))",
    "shop.order({ id: 'a', note: undefined })",
  ])("%s", async (call) => {
    const outcome = await check(`const at = new Date();\nreturn [at, await ${call}]`);
    expect(said(outcome)).toEqual([]);
    expect(outcome.ok).toBe(true);
  });

  it("nor is one of a constructor or a function of the program refused where it is passed", async () => {
    const outcome = await check(
      "const tag = () => 5 as unknown as number;\nreturn await shop.order({ id: 'a', tags: [tag()] })",
    );
    expect(outcome.ok).toBe(true);
  });
});
