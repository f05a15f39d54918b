/** What a refused call is told: names its reader can write, and only those it may use. */
import { describe, expect, it } from "vitest";
import { buildCatalog, type Catalog } from "../../src/tools/catalog.ts";
import { explainRefusal } from "../../src/tools/explain-refusal.ts";
import type { PolicyLayer } from "../../src/tools/policy-layer.ts";
import type { Spelling } from "../../src/tools/spelling.ts";
import type { ToolSource } from "../../src/tools/tool-source.ts";

function source(name: string): ToolSource {
  return { name, description: "", inputSchema: { type: "object" }, annotations: {} };
}

function server(name: string, ...tools: readonly string[]) {
  return { server: name, tools: tools.map(source) };
}

const catalog: Catalog = buildCatalog(
  [
    server("fs", "read_file", "read_dir", "write_file", "odd-name"),
    server("db", "query", "drop_table", "search"),
    server("my-shop", "get-user.profile", "order", "search"),
    server("local", "add"),
  ],
  { readOnly: [], idempotent: [] },
);

function allowing(...allow: readonly string[]): readonly PolicyLayer[] {
  return [{ rule: "tools.allow", allow, deployment: true }];
}

function explain(id: string, layers = allowing("*"), spelling: Spelling = "program") {
  return explainRefusal(id, { catalog, policy: { layers } }, spelling);
}

describe("a refused call", () => {
  it("is told the rule and the nearest allowed names", () => {
    expect(
      explain("fs/write_file", [...allowing("*"), { rule: "tools_filter", allow: ["fs/read_*"] }]),
    ).toEqual({
      kind: "denied",
      message:
        "fs.write_file is outside the allowed set: tools_filter does not include it. Nearest allowed: fs.read_file.",
    });
    expect(explain("db/query", allowing())).toEqual({
      kind: "denied",
      message:
        "db.query is outside the allowed set: tools.allow does not include it. This request may use no tool at all.",
    });
  });

  it("of a tool that a program names by its method is denied by the tool's own rule", () => {
    expect(explain("fs/odd_name", allowing("db/*"))).toMatchObject({
      kind: "denied",
      message: expect.stringContaining("fs.odd_name is outside the allowed set: tools.allow"),
    });
  });

  it("of a model that calls functions is told the names of functions", () => {
    const message = (id: string, ...allow: readonly string[]) =>
      explain(id, allowing(...allow), "function").message;
    expect(message("fs/write_file", "fs/read_*")).toBe(
      "fs__write_file is outside the allowed set: tools.allow does not include it. Nearest allowed: fs__read_file.",
    );
    expect(message("readFile", "*")).toBe('There is no function "readFile". Nearest allowed: fs__read_file.');
    expect(message("get-user.profile", "*")).toMatch(
      /^There is no function "get-user\.profile"\. Nearest allowed: my_shop__get_user_profile_[0-9a-f]{8}\.$/,
    );
  });
});

describe("an unknown tool", () => {
  it.each<[id: string, message: string]>([
    ["fs/readFile", "There is no tool fs.readFile. Nearest allowed: fs.read_file."],
    ["fs/read_fil", "There is no tool fs.read_fil. Nearest allowed: fs.read_file, fs.read_dir."],
    ["shop/query", "There is no tool tools.shop.query. Nearest allowed: db.query."],
    ["db/zzzzzzzz", "There is no tool db.zzzzzzzz. Nearest allowed: db.drop_table, db.query, db.search."],
    ["nobody/zzzzzzzz", "There is no tool tools.nobody.zzzzzzzz. No allowed tool has a name like it."],
    [
      "my-shop/getUserProfile",
      "There is no tool my_shop.getUserProfile. Nearest allowed: my_shop.get_user_profile.",
    ],
    [
      "my-shop/z.zzzzzz",
      'There is no tool my_shop["z.zzzzzz"]. Nearest allowed: my_shop.get_user_profile, my_shop.order, my_shop.search.',
    ],
    ["my-shop/my_shop__order", "There is no tool my_shop.my_shop__order. Nearest allowed: my_shop.order."],
    ["local/Add", "There is no tool tools.local.Add. Nearest allowed: add."],
    ["search", 'There is no tool "search". Nearest allowed: db.search, my_shop.search.'],
  ])("%s", (id, message) => {
    expect(explain(id)).toEqual({ kind: "unknown_tool", message });
  });

  it("has a bounded echo", () => {
    for (const id of ["x".repeat(100_000), `fs/${"x".repeat(100_000)}`, `${"\n".repeat(5_000)}/y`])
      expect(explain(id).message.length).toBeLessThan(800);
  });

  it("is never told of a tool outside the allowed set", () => {
    const layers = allowing("fs/read_dir", "db/*");
    for (const id of [
      "fs/read_fil",
      "fs/readFile",
      "my-shop/orderr",
      "order",
      "my_shop__order",
      "mcp/my-shop/search",
    ])
      expect(explain(id, layers).message).not.toMatch(/read_file|Nearest allowed: .*shop/);
  });
});
