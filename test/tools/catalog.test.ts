import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { buildCatalog, type Catalog, toNamespaces } from "../../src/tools/catalog.ts";
import { reservedNames } from "../../src/tools/names.ts";
import type { ServerSource, ToolSource } from "../../src/tools/tool-source.ts";

function source(name: string, more: Partial<ToolSource> = {}): ToolSource {
  return { name, description: "", inputSchema: { type: "object" }, annotations: {}, ...more };
}

function server(name: string, ...tools: readonly (string | ToolSource)[]): ServerSource {
  return { server: name, tools: tools.map((tool) => (typeof tool === "string" ? source(tool) : tool)) };
}

function build(...sources: readonly ServerSource[]): Catalog {
  return buildCatalog(sources, { readOnly: [], idempotent: [] });
}

function callables(catalog: Catalog): Record<string, string> {
  return Object.fromEntries(catalog.tools.map(({ id, callable }) => [id, callable]));
}

const hashOf = (id: string) => createHash("sha256").update(id).digest("hex").slice(0, 8);

test("a tool is a method of its server's global, and a tool of local is a global itself", () => {
  expect(callables(build(server("github", "list_issues"), server("local", "calculator")))).toEqual({
    "github/list_issues": "github.list_issues",
    "local/calculator": "calculator",
  });
});

test.for([
  ["my-server", "odd.tool-name", "my_server.odd_tool_name"],
  ["3d", "2x", "_3d._2x"],
  ["input", "delete", "input_.delete_"],
  ["Object", "then", "Object_.then_"],
  ["__proto__", "constructor", "__proto___.constructor_"],
  ["a b", "", "a_b._"],
  ["größe", "查询", "größe.查询"],
  ["a", "🎉", "a._"],
  ["$", "__proto__", "$.__proto___"],
] as const)("server %j with tool %j is called as %s", ([name, tool, callable]) => {
  const catalog = build(server(name, tool));
  expect(catalog.byId(`${name}/${tool}`)?.callable).toBe(callable);
  expect(catalog.collisions).toEqual([]);
});

test("a name that needs no cleaning is kept, then the first by byte order keeps it; the others get numbers", () => {
  const sources = [
    server("a.b", "x"),
    server("a_b", "x"),
    server("a-b", "x", "y.z", "y-z", "y_z", "w.v", "w-v"),
    server("local", "a b", "delete", "delete_"),
  ];
  const expected = {
    "a-b/w-v": "a_b_3.w_v",
    "a-b/w.v": "a_b_3.w_v_2",
    "a-b/x": "a_b_3.x",
    "a-b/y-z": "a_b_3.y_z_2",
    "a-b/y.z": "a_b_3.y_z_3",
    "a-b/y_z": "a_b_3.y_z",
    "a.b/x": "a_b_4.x",
    "a_b/x": "a_b.x",
    "local/a b": "a_b_2",
    "local/delete": "delete__2",
    "local/delete_": "delete_",
  };
  expect(callables(build(...sources))).toEqual(expected);
  const reversed = build(...sources.toReversed());
  expect(callables(reversed)).toEqual(expected);
  expect(reversed.collisions).toContainEqual({
    wanted: "a_b",
    kept: "a_b",
    renamed: { id: "a-b", to: "a_b_3" },
  });
});

test("byte order is that of UTF-8, not of UTF-16 units", () => {
  const catalog = build(server("s", "\u{1F600}", "\uFF5E"));
  expect(callables(catalog)).toEqual({ "s/\uFF5E": "s._", "s/\u{1F600}": "s.__2" });
});

test("a name somebody has by right is never given to another", () => {
  expect(callables(build(server("s", "a-", "a.", "a__2")))).toEqual({
    "s/a-": "s.a_",
    "s/a.": "s.a__3",
    "s/a__2": "s.a__2",
  });
});

test("servers and tools of local share one namespace", () => {
  const catalog = build(server("shop", "list"), server("local", "shop", "other"));
  expect(callables(catalog)).toEqual({
    "local/other": "other",
    "local/shop": "shop_2",
    "shop/list": "shop.list",
  });
  expect(catalog.servers).toEqual([
    { name: "local", global: null },
    { name: "shop", global: "shop" },
  ]);
});

test("every global of the language is reserved", () => {
  const names: readonly string[] = runInNewContext("Object.getOwnPropertyNames(globalThis)");
  expect(names.filter((name) => !reservedNames.has(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(50);
});

test("a function name is server__tool, and ends in a hash of the id when that had to be changed", () => {
  const long = "t".repeat(80);
  const catalog = build(server("github", "list_issues", "list-issues", long));
  const nameOf = (tool: string) => catalog.byId(`github/${tool}`)?.functionName;
  expect(nameOf("list_issues")).toBe("github__list_issues");
  expect(nameOf("list-issues")).toBe(`github__list_issues_${hashOf("github/list-issues")}`);
  expect(nameOf(long)).toBe(`github__${"t".repeat(47)}_${hashOf(`github/${long}`)}`);
  expect(nameOf(long)).toHaveLength(64);
});

test("function names are unique, valid for every provider, and lead back to their tools", () => {
  const catalog = build(
    server("a", "b__c", "b", "é", "ö", "", "t".repeat(70), `${"t".repeat(70)}u`),
    server("a__b", "c"),
    server("7", "up"),
    // Looks like the name that `a/x-y` is given.
    server("a", `x_y_${hashOf("a/x-y")}`, "x-y"),
  );
  const names = catalog.tools.map(({ functionName }) => functionName);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name))).toEqual([]);
  for (const tool of catalog.tools) expect(catalog.byFunctionName(tool.functionName)).toBe(tool);
});

test("equal tools give an equal version, whatever the order of servers, tools and schema keys", () => {
  const a = build(
    server("x", source("t", { inputSchema: { type: "object", title: "T" } }), "u"),
    server("y", "v"),
  );
  const b = build(
    server("y", "v"),
    server("x", "u", source("t", { inputSchema: { title: "T", type: "object" } })),
  );
  expect(a.version).toMatch(/^[0-9a-f]{16}$/);
  expect(b.version).toBe(a.version);
});

test.for([
  ["a description", { description: "new" }],
  ["a schema", { inputSchema: { type: "object", properties: { __proto__x: {} } } }],
  ["a mark", { readOnly: true }],
  ["availability", { unavailable: "needs tasks" }],
] as const)("a change of %s gives another version", ([, change]) => {
  expect(build(server("x", source("t", change))).version).not.toBe(build(server("x", "t")).version);
});

test("of two tools with the same id the first counts, and the other is reported", () => {
  const catalog = build(
    server("s", source("t", { description: "first" }), source("t", { description: "second" })),
  );
  expect(catalog.tools.map(({ description }) => description)).toEqual(["first"]);
  expect(catalog.duplicates).toEqual(["s/t"]);
});

test("tools are sorted by id, and found by their exact id only", () => {
  const catalog = build(server("b", "z", "a"), server("a", "__proto__", "B", "a"));
  expect(catalog.tools.map(({ id }) => id)).toEqual(["a/B", "a/__proto__", "a/a", "b/a", "b/z"]);
  expect(catalog.byId("a/__proto__")?.name).toBe("__proto__");
  expect(catalog.byId("a/A")).toBeUndefined();
  expect(catalog.byId("__proto__")).toBeUndefined();
  expect(catalog.byFunctionName("constructor")).toBeUndefined();
});

test("a tool is read-only or idempotent by the operator's mark or by its own word", () => {
  const tools = server("fs", "read_file", "write_file", source("stat", { readOnly: true }));
  const catalog = buildCatalog([tools], { readOnly: ["fs/read_*"], idempotent: ["fs/write_file"] });
  expect(catalog.tools.map(({ name, readOnly, idempotent }) => ({ name, readOnly, idempotent }))).toEqual([
    { name: "read_file", readOnly: true, idempotent: false },
    { name: "stat", readOnly: true, idempotent: false },
    { name: "write_file", readOnly: false, idempotent: true },
  ]);
});

test("a catalog cannot be changed, schemas included", () => {
  const catalog = build(server("s", source("t", { inputSchema: { type: "object", properties: { a: {} } } })));
  const [tool] = catalog.tools;
  const schema = tool?.inputSchema;
  if (typeof schema !== "object") throw new Error("the schema is an object");
  const holders = [catalog, catalog.tools, catalog.servers, tool, schema, schema["properties"]];
  expect(holders.map((holder) => Object.isFrozen(holder))).toEqual(holders.map(() => true));
});

test("a program finds every server, and on it only the visible tools", () => {
  const catalog = build(
    server("a-b", "x", "y-z"),
    server("hidden", "t"),
    server("local", source("add", { positional: ["a", "b"] }), "secret"),
  );
  const shown = catalog.tools.filter(({ id }) => id === "a-b/y-z" || id === "local/add");
  expect(toNamespaces(catalog, shown)).toEqual({
    servers: [
      { name: "a-b", global: "a_b", tools: [{ name: "y-z", method: "y_z" }] },
      { name: "hidden", global: "hidden", tools: [] },
    ],
    locals: [
      { name: "add", global: "add", positional: ["a", "b"] },
      { name: "secret", global: "secret", hidden: true },
    ],
  });
});
