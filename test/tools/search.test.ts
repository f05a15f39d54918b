import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { buildCatalog, type Catalog } from "../../src/tools/catalog.ts";
import type { Policy } from "../../src/tools/policy-layer.ts";
import { createToolSearch, toolSearch } from "../../src/tools/search.ts";
import type { JsonSchema, ToolSource } from "../../src/tools/tool-source.ts";
import { type AnnouncedTool, readCases, toolUseCases } from "../helpers/tool-use-cases.ts";

function tool(name: string, description = "", properties: object = {}, rest: Partial<ToolSource> = {}) {
  return { name, description, inputSchema: { type: "object", properties }, annotations: {}, ...rest };
}

function catalogOf(servers: { readonly [server: string]: readonly ToolSource[] }): Catalog {
  const sources = Object.entries(servers).map(([server, tools]) => ({ server, tools }));
  return buildCatalog(sources, { readOnly: [], idempotent: [] });
}

const office = catalogOf({
  github: [
    tool("list_issues", "Lists the issues of a repository."),
    tool("createPullRequest", "Opens a pull request for a branch."),
    tool("merge-branch", "Merges one branch into another."),
  ],
  mail: [
    tool("send", "Sends a message to people.", {
      recipients: { type: "array", items: { properties: { bcc: { description: "A blind carbon copy." } } } },
      subject: { type: "string" },
    }),
    tool("search", "Finds messages.", {
      filter: { type: "object", properties: { receivedBefore: { type: "string" } } },
    }),
  ],
  database: [tool("run_query", "Runs an SQL query, read-only. Not for issues.")],
  kanji: [tool("lookup", "在数据库中查询客户订单")],
});

function ids(query: string, catalog = office, options: { readonly limit?: number } = {}): readonly string[] {
  return createToolSearch(catalog.tools)
    .search(query, options)
    .map(({ id }) => id);
}

describe("a search over tools", () => {
  test.for([
    ["a name counts more than a mention", "issues", "github/list_issues"],
    ["names are split where their case changes", "pull request", "github/createPullRequest"],
    ["and at any sign", "merge branch", "github/merge-branch"],
    ["a name is found as it is written in a program", "github.merge_branch", "github/merge-branch"],
    ["other forms of a word are the same word", "listing an issue", "github/list_issues"],
    ["a word may be misspelt", "recipeints", "mail/send"],
    ["or be only begun", "datab", "database/run_query"],
    ["a tool is known by its parameters", "recipients", "mail/send"],
    ["and by those inside them", "received before", "mail/search"],
    ["and by what is said of them", "blind carbon copy", "mail/send"],
    ["a question in words is one too", "How do I send a message to people?", "mail/send"],
    ["text without blanks is found by its parts", "客户", "kanji/lookup"],
    ["a query of stop words alone is taken by its word", "how to", undefined],
  ] as const)("%s", ([, query, first]) => {
    expect(ids(query)[0]).toBe(first);
  });

  it("names the tools of a server, those that fit equally in the order of their ids", () => {
    expect(ids("github")).toEqual(["github/createPullRequest", "github/list_issues", "github/merge-branch"]);
  });

  it("has nothing for words that no tool has", () => {
    expect(ids("zymurgy")).toEqual([]);
  });

  it("lists all in the order of their ids when it is given no word", () => {
    const all = office.tools.map(({ id }) => id);
    for (const query of ["", "*", " \n", "?!…", "🎉", "\uD800"]) expect(ids(query)).toEqual(all);
  });

  it("gives ten unless asked for more or fewer, and never more than fifty", () => {
    const many = catalogOf({ s: Array.from({ length: 80 }, (_, n) => tool(`read_${n}`)) });
    expect(ids("read", many)).toHaveLength(10);
    const counts = [3, 50, 1000, 0, -1, 1.9, Number.NaN, Number.POSITIVE_INFINITY].map(
      (limit) => ids("read", many, { limit }).length,
    );
    expect(counts).toEqual([3, 50, 50, 1, 1, 1, 1, 50]);
  });

  it("leaves out what cannot be called", () => {
    const tools = catalogOf({
      s: [tool("read"), tool("read_later", "", {}, { unavailable: "needs tasks" })],
    });
    expect(ids("read", tools)).toEqual(["s/read"]);
  });

  it("does not need well-formed schemas", () => {
    const deep = JSON.parse(`${'{"items":'.repeat(500)}true${"}".repeat(500)}`) as JsonSchema;
    const schemas: readonly JsonSchema[] = [
      true,
      false,
      { properties: [] },
      { properties: null },
      { items: 3, allOf: [null, 1] },
      deep,
    ];
    const tools = schemas.map((inputSchema, n) => ({ ...tool(`read_${n}`), inputSchema }));
    expect(ids("read", catalogOf({ s: tools }))).toHaveLength(schemas.length);
  });

  it("answers any text, always the same, and a very long one by its beginning", () => {
    const search = createToolSearch(office.tools);
    const again = createToolSearch(office.tools.toReversed());
    const texts = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(texts, (query) => {
        expect(again.search(query)).toEqual(search.search(query));
      }),
    );
    expect(search.search(`issues ${"x ".repeat(500_000)}`)[0]?.id).toBe("github/list_issues");
    expect(search.search("a".repeat(1_000_000))).toEqual([]);
  });
});

describe("the search of a policy", () => {
  const only = (...allow: readonly string[]): Policy => ({ layers: [{ rule: "tools.allow", allow }] });

  it("knows nothing of tools outside the allowed set", () => {
    const search = toolSearch(office, only("database/*"));
    expect(search.search("issues").map(({ id }) => id)).toEqual(["database/run_query"]);
    expect(search.search("*").map(({ id }) => id)).toEqual(["database/run_query"]);
    expect(toolSearch(office, only()).search("issues")).toEqual([]);
  });

  it("is made once for a catalog and the tools it allows", () => {
    expect(toolSearch(office, only("mail/*"))).toBe(toolSearch(office, only("mail/*")));
    expect(toolSearch(office, only("mail/*"))).toBe(toolSearch(office, only("mail/send", "mail/search")));
    expect(toolSearch(office, only("mail/*"))).not.toBe(toolSearch(office, only("github/*")));
    const other = catalogOf({ mail: [tool("send")] });
    expect(toolSearch(other, only("mail/*"))).not.toBe(toolSearch(office, only("mail/*")));
  });
});

describe.skipIf(toolUseCases === undefined)("recorded questions (TOOL_USE_CASES)", () => {
  it("find the tool that was right among the first ten of all tools, in four of five cases", async () => {
    const cases = await readCases<{
      readonly prompt: string;
      readonly tools: readonly AnnouncedTool[];
      readonly calls: readonly { readonly tool: string }[];
    }>("single-turn.jsonl");
    const tools = new Map(
      cases.flatMap((each) =>
        each.tools.map((announced) => [announced.name, { ...announced, annotations: {} }]),
      ),
    );
    const search = createToolSearch(catalogOf({ all: [...tools.values()] }).tools);
    const places = cases.flatMap(({ prompt, calls }) => {
      const found = search.search(prompt).map(({ name }) => name);
      return [...new Set(calls.map(({ tool: name }) => name))].map((name) => found.indexOf(name));
    });
    const share = (most: number): number =>
      places.filter((place) => place >= 0 && place < most).length / places.length;
    console.log(
      `${places.length} right tools among ${tools.size}: first ${share(1).toFixed(2)}, in the first five ${share(5).toFixed(2)}, ten ${share(10).toFixed(2)}`,
    );
    expect(share(10)).toBeGreaterThan(0.8);
  });
});
