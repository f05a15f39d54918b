import { describe, expect, it, test } from "vitest";
import { describeTools, findTools, type ToolView } from "../../../src/code/declare/discover.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import { source } from "../helpers/tools.ts";

const object = (properties: object, rest: object = {}) => ({ type: "object", properties, ...rest });
const string = { type: "string" };

const catalog = buildCatalog(
  [
    {
      server: "github",
      tools: [
        source(
          "list_issues",
          object(
            {
              owner: string,
              state: { enum: ["open", "closed"] },
              filter: object({ label: string, author: { ...string, description: "A login." } }),
            },
            { required: ["owner"] },
          ),
        ),
        source("delete_repo", object({})),
        source("wait", object({}), { unavailable: "It needs MCP tasks." }),
      ],
    },
    { server: "my-server", tools: [source("odd.name", object({})), source("list_issues", object({}))] },
    {
      server: "local",
      tools: [
        source("analyzeFile", object({ path: string, deep: { type: "boolean" } }, { required: ["path"] }), {
          positional: ["path", "deep"],
          outputSchema: object({ lines: { type: "integer" } }, { required: ["lines"] }),
        }),
      ],
    },
  ],
  { readOnly: [], idempotent: [] },
);

const view: ToolView = {
  catalog,
  policy: {
    layers: [{ rule: "tools.allow", allow: ["github/list_*", "github/wait", "my-server/*", "local/*"] }],
  },
};

const oddName = `declare const my_server: {
  /** Does odd.name. (result shape unknown) */
  odd_name(args?: {}): Promise<any>;
};
`;

describe("tools that are found", () => {
  it("come with how they are called, on one line each", () => {
    expect(findTools("analyze issues", { limit: 3 }, view)).toEqual([
      {
        tool: "local/analyzeFile",
        callable: "analyzeFile",
        description: "Does analyzeFile.",
        signature: "analyzeFile(path: string, deep?: boolean): Promise<{ lines: number }>",
      },
      {
        tool: "my-server/list_issues",
        callable: "my_server.list_issues",
        description: "Does list_issues.",
        signature: "my_server.list_issues(): Promise<any>",
      },
      {
        tool: "github/list_issues",
        callable: "github.list_issues",
        description: "Does list_issues.",
        signature:
          'github.list_issues(args: { owner: string; state?: "open" | "closed"; filter?: {…} }): Promise<any>',
      },
    ]);
  });

  it("have bounded lines, whatever their servers wrote", () => {
    const properties = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`${n}${"😀".repeat(500)}`, { enum: ["x".repeat(400), n] }]),
    );
    const large = buildCatalog(
      [{ server: "s", tools: [source("t", object(properties), { description: "d\n".repeat(9_000) })] }],
      { readOnly: [], idempotent: [] },
    );
    const [found] = findTools("t", {}, { catalog: large, policy: { layers: [] } });
    expect(found?.description.length).toBeLessThan(210);
    expect(found?.signature.length).toBeLessThan(2_000);
    expect(`${found?.description}${found?.signature}`).not.toMatch(/\n/);
    expect(found?.signature.isWellFormed()).toBe(true);
  });
});

describe("the description of tools", () => {
  test.for(["my-server/odd.name", "my_server.odd_name", "my-server.odd.name", "odd.name"])(
    "%s is understood",
    (name) => {
      expect(describeTools([name], view)).toBe(oddName);
    },
  );

  it("understands the name that models of plain tool lists use", () => {
    const name = catalog.byId("my-server/odd.name")?.functionName ?? "";
    expect(name).toMatch(/^my_server__odd_name_[0-9a-f]{8}$/);
    expect(describeTools([name], view)).toBe(oddName);
  });

  it("declares each tool once, in the order of the declarations, with all there is to know", () => {
    const names = ["my-server/odd.name", "odd.name", "github/list_issues"];
    expect(describeTools(names, view)).toBe(`declare const github: {
  /** Does list_issues. (result shape unknown) */
  list_issues(args: {
    owner: string;
    state?: "open" | "closed";
    filter?: {
      label?: string;
      /** A login. */
      author?: string;
    };
  }): Promise<any>;
};

${oddName}`);
  });

  it("says of every other name why it has nothing, and what is near", () => {
    expect(
      describeTools(
        ["github/list_isues", "github/delete_repo", "github/wait", "list_issues", "odd.name", "nope\n*/"],
        view,
      ),
    ).toBe(`${oddName}
// There is no tool "github/list_isues". Nearest allowed: github.list_issues, my_server.list_issues.
// github.delete_repo is outside the allowed set: tools.allow does not include it. Nearest allowed: github.list_issues, github.wait.
// github.wait cannot be called: It needs MCP tasks.
// There is no tool "list_issues". Nearest allowed: github.list_issues, my_server.list_issues.
// There is no tool "nope\\n*\\/". No allowed tool has a name like it.
`);
  });

  it("has a bound on the names it repeats", () => {
    expect(describeTools(["x".repeat(10_000_000)], view).length).toBeLessThan(400);
  });

  it("explains five names it does not have, counts the others, and has a bound on all", () => {
    const names = Array.from({ length: 300 }, (_, n) => `nope_${n}`);
    const lines = describeTools([...names, "odd.name"], view)
      .trimEnd()
      .split("\n");
    expect(lines.filter((line) => line.startsWith("// There is no tool"))).toHaveLength(5);
    expect(lines.slice(5)).toEqual([
      "// 195 more of these names mean no tool that can be called.",
      "// 101 more names were left out: ask for at most 200 at once.",
    ]);
    expect(describeTools([...names.slice(0, 100), ...names.slice(0, 100), "odd.name"], view)).toContain(
      oddName,
    );
  });

  it("of nothing is empty", () => {
    expect(describeTools([], view)).toBe("");
  });
});
