/** Honest arguments whose types say less than their values: the program runs, and the call is validated when it is made. */
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import { declare, said, useCompiler } from "../helpers/checked.ts";
import { source } from "../helpers/tools.ts";

const text = { type: "string" } as const;
const filter = {
  type: "object",
  properties: { field: text, op: { enum: ["eq", "ne"] } },
  required: ["field", "op"],
} as const;
const order = {
  type: "object",
  properties: {
    title: text,
    level: { type: "integer", enum: [1, 2, 3] },
    confirm: { const: true },
    flag: { enum: [true, false, "auto"] },
    priority: { oneOf: [{ const: "low" }, { const: "high" }, { type: "integer" }] },
    sort: { anyOf: [{ enum: ["asc", "desc"] }, filter] },
    pair: { type: "array", prefixItems: [text, { type: "number" }], minItems: 2, maxItems: 2 },
    tags: { type: "array", items: text },
    filters: { type: "array", items: filter },
    at: { anyOf: [{ type: "integer" }, text] },
  },
  additionalProperties: false,
} as const;
const required = { ...order, required: ["title"] };
const { tools } = buildCatalog(
  [{ server: "shop", tools: [source("order", order), source("create", required)] }],
  { readOnly: [], idempotent: [] },
);
const types = declare(renderDeclarations(tools));
const compile = useCompiler();
const check = (code: string) =>
  compile({
    ...{ code, sourceBytes: 65_536, globals: ["shop", "tools", "input"] },
    check: { mode: "error", declarations: types },
  });

describe("a program is not refused for an argument that may fit", () => {
  it.each([
    ["a number of an object, for one of some numbers", "const o = { level: 2 }; return await shop.order(o)"],
    ["a number that was calculated", "let level = 1; level += 1; return await shop.order({ level })"],
    ["a number of a loop", "for (const level of [1, 2]) await shop.order({ level })"],
    [
      "a number that a function takes",
      "const f = (level: number) => shop.order({ level }); return await f(2)",
    ],
    ["the smaller of two numbers", "return await shop.order({ level: Math.min(3, 7) })"],
    ["a boolean of an object, for true", "const o = { confirm: true }; return await shop.order(o)"],
    ["a comparison, for true", "const confirm = input.n < 2; return await shop.order({ confirm })"],
    ["text, for some texts or a boolean", "const o = { flag: 'auto' }; return await shop.order(o)"],
    ["text, for some texts or a number", "const o = { priority: 'high' }; return await shop.order({ ...o })"],
    ["text, for some texts or an object", "let sort = 'asc'; return await shop.order({ sort })"],
    ["an array, for a pair", "const pair = ['a', 1]; return await shop.order({ pair })"],
    ["an object as a constant", "const o = { tags: ['a'] } as const; return await shop.order(o)"],
    [
      "objects as a constant",
      "const f = [{ field: 'a', op: 'eq' }] as const; return await shop.order({ filters: f })",
    ],
    ["a Date, for a number or text", "return await shop.order({ at: new Date(0) })"],
    ["one side of a choice", "const n = 0; return await shop.order({ level: n > 0 ? n : undefined })"],
    ["what is spread by choice", "const n = 0; return await shop.order({ ...(n > 0 && { level: n }) })"],
    ["a record", "const o: Record<string, any> = { title: 't' }; return await shop.create(o)"],
    [
      "an object of any names",
      "const o: { [key: string]: unknown } = { title: 't' }; return await shop.create(o)",
    ],
  ])("%s", async (_what, code) => {
    const outcome = await check(code);
    expect(said(outcome).filter((each) => each.startsWith("error"))).toEqual([]);
    expect(outcome.ok).toBe(true);
  });
});

describe("a program is refused for an argument that cannot fit", () => {
  it.each([
    ["{ level: 7 }", '"level" must be 1 or 2 or 3, not 7.'],
    ["{ level: '2' }", '"level" must be 1 or 2 or 3, not string.'],
    ["{ confirm: false }", '"confirm" must be true, not false.'],
    ["{ priority: 'urgent' }", '"priority" must be'],
    ["{ sort: 'up' }", '"sort" must be "asc" or "desc" or {'],
    ["{ pair: ['a'] }", '"pair" must be [string, number], not [string].'],
    ["{ pair: 'a' }", '"pair" must be [string, number], not string.'],
    ["{ filters: [{ field: 'a', op: 'like' }] }", '"filters[0].op" must be "eq" or "ne", not "like".'],
  ])("%s", async (args, message) => {
    expect(await check(`return await shop.order(${args})`)).toMatchObject({
      ...{ ok: false, code: "type_error" },
      message: expect.stringContaining(`shop.order: ${message}`),
    });
  });

  it("const level = 7, and { level }", async () => {
    expect(await check("const level = 7;\nreturn await shop.order({ level })")).toMatchObject({
      ok: false,
      line: 2,
    });
  });
});
