import { describe, expect, test } from "vitest";
import { listTools, type ToolListing } from "../../src/mcp/tool-list.ts";

const listOf = (tools: unknown): Promise<ToolListing> =>
  listTools(async () => ({ tools }), { trustAnnotations: false });

test("a tool whose schema is nested too deep to be read is set aside, whatever its size", async () => {
  let deep: unknown = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { type: "object", properties: deep };
  const listing = await listOf([
    { name: "deep", inputSchema: { type: "object", properties: deep } },
    { name: "deep_output", inputSchema: { type: "object" }, outputSchema: deep },
    { name: "fine", inputSchema: { type: "object" } },
  ]);
  expect(listing.tools.map(({ name }) => name)).toEqual(["fine"]);
  expect(listing.quarantined).toEqual([
    { tool: "deep", reason: "inputSchema is nested more than 200 levels deep" },
    { tool: "deep_output", reason: "outputSchema is nested more than 200 levels deep" },
  ]);
});

const a = { type: "string" };

describe("a tool takes an object as its arguments", () => {
  test.each<[string, object, object]>([
    [
      "says so",
      { inputSchema: { type: "object", properties: { a } } },
      { type: "object", properties: { a } },
    ],
    ["says nothing", { inputSchema: {} }, { type: "object" }],
    [
      "says nothing but names properties",
      { inputSchema: { properties: { a } } },
      { type: "object", properties: { a } },
    ],
    ["writes its type as null", { inputSchema: { type: null } }, { type: "object" }],
    ["takes an object among others", { inputSchema: { type: ["object", "null"] } }, { type: "object" }],
    ["is true", { inputSchema: true }, { type: "object" }],
    ["is null", { inputSchema: null }, { type: "object" }],
    ["is not there", {}, { type: "object" }],
  ])("when its schema %s", async (_what, tool, inputSchema) => {
    const listing = await listOf([{ name: "t", ...tool }]);
    expect(listing.quarantined).toEqual([]);
    expect(listing.tools[0]?.inputSchema).toEqual(inputSchema);
  });
});

describe("a list is cut, with a word on why, when the server", () => {
  test("names a new cursor on each page, for ever", async () => {
    let pages = 0;
    const listing = await listTools(
      async () => {
        pages += 1;
        return { tools: [{ name: `t${pages}` }], nextCursor: `c${pages}` };
      },
      { trustAnnotations: false },
    );
    expect(pages).toBe(100);
    expect(listing.tools).toHaveLength(100);
    expect(listing.quarantined).toEqual([
      { tool: "(rest of the list)", reason: "only the first 100 pages are read" },
    ]);
  });

  test("names a cursor of 8 MB, which is neither kept nor sent back", async () => {
    const cursors: unknown[] = [];
    const listing = await listTools(
      async (cursor) => {
        cursors.push(cursor);
        return { tools: [{ name: "a" }], nextCursor: `${cursors.length}`.padEnd(8_000_000, "c") };
      },
      { trustAnnotations: false },
    );
    expect(cursors).toEqual([undefined]);
    expect(listing.tools.map(({ name }) => name)).toEqual(["a"]);
    expect(listing.quarantined).toEqual([
      { tool: "(rest of the list)", reason: "its cursor has more than 65536 characters" },
    ]);
  });
});

describe("a list is over, without a word on the tools, when the server", () => {
  const first = { tools: [{ name: "a" }], nextCursor: "1" };
  test.each<[string, unknown, readonly unknown[]]>([
    ["names no cursor", { tools: [{ name: "b" }] }, [undefined, "1"]],
    ["names null", { tools: [{ name: "b" }], nextCursor: null }, [undefined, "1"]],
    ["names an empty cursor", { tools: [{ name: "b" }], nextCursor: "" }, [undefined, "1"]],
    ["names the same cursor again", { tools: [{ name: "b" }], nextCursor: "1" }, [undefined, "1"]],
    [
      "sends its only page again and again",
      { tools: [{ name: "a" }, { name: "b" }], nextCursor: "1" },
      [undefined, "1"],
    ],
  ])("%s", async (_what, second, asked) => {
    const cursors: unknown[] = [];
    const listing = await listTools(
      async (cursor) => {
        cursors.push(cursor);
        return cursor === undefined ? first : Object(second);
      },
      { trustAnnotations: false },
    );
    expect(listing.tools.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(listing.quarantined).toEqual([]);
    expect(cursors).toEqual(asked);
  });

  test("names a cursor that is a number, which goes back as it came", async () => {
    const cursors: unknown[] = [];
    await listTools(
      async (cursor) => {
        cursors.push(cursor);
        return cursor === undefined ? { tools: [], nextCursor: 20 } : {};
      },
      { trustAnnotations: false },
    );
    expect(cursors).toEqual([undefined, 20]);
  });

  test.each([null, undefined, []])("has no tools: %s", async (tools) => {
    expect(await listOf(tools)).toEqual({ tools: [], quarantined: [] });
  });
});
